/** `npm run demo` as a newcomer sees it; without `scripts/setup`, which the tests have called already. */
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { patient } from '../helpers/slowness.js';

it('every step of the demo is seen, and nothing is left', { timeout: patient(120_000) }, async () => {
  const { exitCode, stdout, stderr } = await execa('node_modules/.bin/tsx', ['scripts/demo.ts'], { reject: false });
  expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout.match(/^\d\. /gm)).toHaveLength(7);
  expect(stdout).not.toContain('✗');
  expect(stdout).toMatch(/Every step was seen\.$/);
});
