/** docs/api.md names every export; that it is current, npm run lint proves. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { API_PAGE, ENTRIES } from '../../scripts/api.js';
import { ROOT } from './doc-blocks.js';

const PAGE = readFileSync(API_PAGE, 'utf8');

describe.each(Object.keys(ENTRIES))('the exports of src/%s.ts', (entry) => {
  const text = readFileSync(path.join(ROOT, 'src', `${entry}.ts`), 'utf8');
  const listed = [...text.matchAll(/^export (?:type )?\{([^}]+)\}/gm)].flatMap(([, names = '']) => names.split(','));
  const declared = [...text.matchAll(/^export (?:async )?(?:function|const|class|interface|type) (\w+)/gm)];
  const names = [
    ...listed.map((name) =>
      name
        .trim()
        .replace(/^type /, '')
        .replace(/^.* as /, ''),
    ),
    ...declared.map(([, name = '']) => name),
  ];

  it.each(names.filter((name) => name !== ''))('has a section for %s', (name) => {
    expect(PAGE).toMatch(new RegExp(`^#+ (?:abstract )?${name.replaceAll('_', '\\\\?_')}(?:\\(\\))?$`, 'm'));
  });
});
