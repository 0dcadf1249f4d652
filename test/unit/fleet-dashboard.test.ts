/** The dashboard of `fleet/` against Grafana's own schema, which is TypeScript: what it does not know does not compile. */
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';

const TEXT = readFileSync('fleet/grafana/clear-df.json', 'utf8');
const MODULE = ['--module', 'nodenext', '--target', 'es2022', '--types', 'node', '--skipLibCheck'];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'clear-df-dashboard-'));
  symlinkSync(path.resolve('node_modules'), path.join(folder, 'node_modules'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What the compiler says of dashboards, each by the name of its file. */
async function judged(texts: Record<string, string>): Promise<string> {
  const schema = path.resolve('test/helpers/grafana.ts').replace(/\.ts$/, '.js');
  const files = Object.entries(texts).map(([name, text]) => {
    const type = `import type { GrafanaDashboard } from '${schema}';`;
    writeFileSync(path.join(folder, `${name}.ts`), `${type}\nexport const it: GrafanaDashboard = ${text};\n`);
    return `${name}.ts`;
  });
  const tsc = path.resolve('node_modules/.bin/tsc');
  const { stdout } = await execa(tsc, ['--noEmit', '--strict', ...MODULE, ...files], { cwd: folder, reject: false });
  return stdout;
}

it('is one that Grafana knows, to the last key', async () => {
  const wrong = {
    key: ['"gridPos"', '"gridpos"'],
    option: ['"colorMode": "value"', '"colorMode": "values"'],
    custom: ['"showPoints": "never"', '"showPoints": "none"'],
    type: ['"type": "timeseries"', '"type": "graph"'],
    variable: ['"refresh": 2', '"refresh": "2"'],
  } as const;
  const texts = Object.entries(wrong).map(([name, [right, other]]) => {
    expect(TEXT.includes(right), name).toBe(true);
    return [name, TEXT.replace(right, other)] as const;
  });
  const said = await judged({ right: TEXT, ...Object.fromEntries(texts) });
  expect(said.split('\n').filter((line) => line.startsWith('right'))).toEqual([]);
  expect(Object.keys(wrong).filter((name) => !said.includes(`${name}.ts(`))).toEqual([]);
});
