/** What `fleet/` has for many routers: true to the product's own metrics, and to the tools that read it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { someOf } from '../helpers/more.js';
import { parse, stringify } from 'yaml';
import { FILE_KEYS, isOptionName, optionInfo } from '../../src/commands/option-table.js';
import { snakeCase } from '../../src/counters.js';
import { FAST_RESULT_NAMES } from '../../src/fast-path/counters.js';
import { serveStats } from '../../src/report/http.js';
import { topState } from './top-samples.js';

const RULES = 'fleet/prometheus/clear-df.rules.yaml';
const CASES = 'fleet/prometheus/clear-df.test.yaml';
const DASHBOARD = 'fleet/grafana/clear-df.json';

interface Rule {
  alert?: string;
  record?: string;
  expr: string;
  for?: string;
}
interface RuleFile {
  groups: { rules: Rule[] }[];
}
interface Panel {
  id: number;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets: { expr: string }[];
}
interface Dashboard {
  panels: Panel[];
  templating: { list: { name: string; definition?: string }[] };
  annotations: { list: { expr: string }[] };
}

const rules = parse(readFileSync(RULES, 'utf8')) as RuleFile;
const all = rules.groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as Dashboard;

let folder: string;
/** The names in the product's own /metrics, and those that the rules record. */
const names = new Set(all.flatMap(({ record }) => record ?? []));

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'clear-df-fleet-'));
  const { snapshot } = topState({ queues: 4, fastPath: true });
  const server = await serveStats({ host: '127.0.0.1', port: 0 }, () => snapshot);
  const text = await (await fetch(`${server.url}/metrics`)).text();
  await server.close();
  // Of samples, not of help: a metric that never has one is no metric to watch.
  for (const [, name = ''] of text.matchAll(/^(clear_df_\w+)[{ ]/gm)) names.add(name);
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Metrics of clear-df in an expression that the product does not have. */
function unknownIn(expression: string): string[] {
  const used = expression.match(/(?:instance:)?clear_df_\w+(?::\w+)?/g) ?? [];
  const results = [...expression.matchAll(/result="(\w+)"/g)].map(([, result = '']) => result);
  const known = FAST_RESULT_NAMES.map(snakeCase);
  return [...used.filter((name) => !names.has(name)), ...results.filter((result) => !known.includes(result))];
}

async function promtool(file: string, ...args: string[]) {
  return execa('promtool', [...args, file], { cwd: folder, reject: false, all: true });
}

describe('the rules for Prometheus', () => {
  /** The cases, with these rules. */
  async function judge(file: string, changed: RuleFile) {
    writeFileSync(path.join(folder, `${file}.rules.yaml`), stringify(changed));
    const cases = readFileSync(CASES, 'utf8').replace('clear-df.rules.yaml', `${file}.rules.yaml`);
    writeFileSync(path.join(folder, `${file}.test.yaml`), cases);
    return promtool(`${file}.test.yaml`, 'test', 'rules');
  }

  const changedAt = (name: string, change: (rule: Rule) => Rule): RuleFile => ({
    groups: rules.groups.map((group) => ({
      ...group,
      rules: group.rules.map((rule) => ((rule.alert ?? rule.record) === name ? change(rule) : rule)),
    })),
  });

  it('are accepted by promtool, and pass their cases', async () => {
    expect((await promtool(path.resolve(RULES), 'check', 'rules')).all).toContain(`SUCCESS: ${all.length} rules found`);
    const { exitCode, all: said } = await judge('right', rules);
    expect({ exitCode, said }).toEqual({ exitCode: 0, said: expect.stringContaining('SUCCESS') as string });
  });

  it('name only metrics that clear-df has', () => {
    expect(all.flatMap(({ expr }) => unknownIn(expr))).toEqual([]);
    expect(unknownIn('rate(clear_df_leaks_total[5m]) + clear_df_fast_path_packets_total{result="clear"}')).toEqual([
      'clear_df_leaks_total',
      'clear',
    ]);
  });

  const alerts = all.flatMap(({ alert }) => alert ?? []);

  it('are those that operators were promised', () => {
    expect(alerts).toEqual([
      ...['ClearDfDown', 'ClearDfQueueLost', 'ClearDfLeaking', 'ClearDfOverrun', 'ClearDfIdentificationWrap'],
      ...['ClearDfFastPathGone', 'ClearDfFarEndReassembly'],
    ]);
  });

  const WRONG: readonly (readonly [what: string, change: (rule: Rule) => Rule])[] = [
    ['never', (rule) => ({ ...rule, expr: `(${rule.expr}) and on () vector(1) == 0` })],
    ['at once', (rule) => ({ ...rule, for: '0m' })],
    ['an hour late', (rule) => ({ ...rule, for: '1h' })],
    // The other side of its threshold; of what has none, what it is not.
    ['the other way round', ({ expr, ...rule }) => ({ ...rule, expr: inverted(expr) })],
  ];
  const inverted = (expr: string) =>
    expr.includes('unless')
      ? expr.replace('unless', 'and')
      : expr.replace(/[<>]|==/, (sign) => ({ '<': '>', '>': '<=', '==': '!=' })[sign] ?? '');

  it.each(someOf(alerts))(
    '%s: its cases fail when it comes never, at once, late, or the other way round',
    async (alert) => {
      const judged = await Promise.all(
        WRONG.map(async ([what, change], i) => {
          const { exitCode, all: said } = await judge(`${alert}-${i}`, changedAt(alert, change));
          return { what, exitCode, named: said.includes(alert) };
        }),
      );
      expect(judged).toEqual(WRONG.map(([what]) => ({ what, exitCode: 1, named: true })));
    },
  );

  it.each(someOf(all.flatMap(({ record }) => record ?? [])))(
    '%s: a case fails when it is twice of what it is',
    async (record) => {
      const twice = changedAt(record, (rule) => ({ ...rule, expr: `2 * (${rule.expr})` }));
      expect((await judge('twice', twice)).exitCode).toBe(1);
    },
  );
});

describe('the dashboard for Grafana', () => {
  const { panels, templating, annotations } = dashboard;
  const expressions = [
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...annotations.list.map(({ expr }) => expr),
  ];

  it('asks only for metrics that clear-df has', () => {
    const definitions = templating.list.flatMap(({ definition }) => definition ?? []);
    expect([...expressions, ...definitions].flatMap(unknownIn)).toEqual([]);
    expect(expressions.length).toBeGreaterThan(15);
  });

  it('asks in PromQL that promtool takes, with the variables that it has', async () => {
    const variables = new Set(['__rate_interval', ...templating.list.map(({ name }) => name)]);
    const used = expressions.flatMap((expr) => [...expr.matchAll(/\$(\w+)/g)].map(([, name = '']) => name));
    expect(used.filter((name) => !variables.has(name))).toEqual([]);
    const asRules = expressions.map((expr, i) => ({
      record: `panel:${i}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$\w+/g, '.*'),
    }));
    writeFileSync(path.join(folder, 'panels.yaml'), stringify({ groups: [{ name: 'panels', rules: asRules }] }));
    const { exitCode, all: said } = await promtool('panels.yaml', 'check', 'rules');
    expect({ exitCode, said }).toEqual({ exitCode: 0, said: expect.stringContaining('SUCCESS') as string });
  });

  it('has its panels on the grid of 24 columns, none over another', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
  });
});

it('what is shipped in fleet/ is what the documents name', () => {
  const files = readdirSync('fleet', { recursive: true, encoding: 'utf8' }).filter((file) => file.includes('.'));
  const page = readFileSync('docs/monitoring.md', 'utf8');
  expect(files.filter((file) => !file.endsWith('.j2') && !page.includes(`fleet/${file}`))).toEqual([]);
  const { files: packed } = JSON.parse(readFileSync('package.json', 'utf8')) as { files: string[] };
  expect(packed).toContain('fleet');
});

it('the playbook restarts clear-df for each option that a running one cannot take', () => {
  const [play] = parse(readFileSync('fleet/ansible/clear-df.yaml', 'utf8')) as [{ vars: { clear_df_bound: string[] } }];
  expect(play.vars.clear_df_bound).toEqual(FILE_KEYS.filter((name) => isOptionName(name) && !optionInfo(name).live));
});
