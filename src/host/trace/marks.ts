/** A trace's rules on this machine: put there, taken away, and those of killed traces found by their names. */
import { existsSync, readFileSync } from 'node:fs';
import { ClearDfError } from '../../errors.js';
import { readRuleset } from '../../rules/ruleset.js';
import type { Flow, TunnelEnds } from '../../trace/flow.js';
import * as legacy from '../../trace/legacy-marks.js';
import * as nft from '../../trace/nft-marks.js';
import { type Tracer, tracerOfTable } from '../../trace/tag.js';
import { isAbsent, type Runner, NoAnswerError } from '../exec.js';

/** How packets are marked. */
export type Marking = { by: 'nft'; families: nft.MarkedFamily[] } | { by: 'iptables-legacy' };

/** Seconds to wait for another program that holds the legacy variant's lock. */
const LOCK_WAIT = 5;

/** Tables of iptables-legacy that are in use in this network namespace: none without its module. */
export function legacyTables(): string[] {
  const file = '/proc/net/ip_tables_names';
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
}

/**
 * Finds out whether nft can mark here, in both families or without the bridge's; nothing is changed.
 * @throws ClearDfError why neither will do
 */
export async function tryNft(runner: Runner, tracer: Tracer, flow: Flow): Promise<Marking> {
  const check = (families: nft.MarkedFamily[]) =>
    runner.query('nft', ['--check', '-f', '-'], nft.markText(tracer, flow, families));
  const both = [...nft.MARKED_FAMILIES];
  try {
    await check(both);
    return { by: 'nft', families: both };
  } catch (error) {
    if (!(error instanceof ClearDfError) || error.code !== 'RUNTIME' || error instanceof NoAnswerError) throw error;
    await check(['ip']);
    return { by: 'nft', families: ['ip'] };
  }
}

export async function putMarks(
  runner: Runner,
  marking: Marking,
  tracer: Tracer,
  flow: Flow,
  tunnels: readonly TunnelEnds[],
): Promise<void> {
  if (marking.by === 'nft') await runner.change('nft', ['-f', '-'], nft.markText(tracer, flow, marking.families));
  else await restoreLegacy(runner, legacy.markText(tracer, flow, tunnels));
}

/** Takes away the marks of every tracer that `gone` says yes to. @returns whether there were any */
export async function takeMarksAway(runner: Runner, gone: (tracer: Tracer) => boolean): Promise<boolean> {
  const tables = readRuleset(await orNothing(runner.query('nft', ['-j', 'list', 'ruleset']), '{"nftables":[]}'));
  const stale = tables.filter(({ name }) => {
    const tracer = tracerOfTable(name);
    return tracer !== undefined && gone(tracer);
  });
  if (stale.length > 0) {
    const lines = stale.map(({ family, name }) => `delete table ${family} ${name}`);
    await runner.change('nft', ['-f', '-'], [...lines, ''].join('\n'));
  }
  const save = legacyTables().includes('raw') ? await runner.query('iptables-legacy-save', ['-t', 'raw']) : '';
  const text = legacy.unmarkText(save, gone);
  if (text !== undefined) await restoreLegacy(runner, text);
  return stale.length > 0 || text !== undefined;
}

async function restoreLegacy(runner: Runner, text: string): Promise<void> {
  await runner.change('iptables-legacy-restore', ['--noflush', `--wait=${LOCK_WAIT}`], text);
}

/** What a tool says, or `otherwise` where it is missing or its kernel part is. */
export async function orNothing(answer: Promise<string>, otherwise = ''): Promise<string> {
  try {
    return await answer;
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return otherwise;
  }
}
