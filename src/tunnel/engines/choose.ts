/** Which engine does the work: the one that was asked for, or the one that fits this machine best. Pure. */
import { ClearDfError } from '../../errors.js';
import type { Facts } from '../facts.js';
import type { Site } from '../site/site.js';
import { bpf } from './bpf.js';
import { type EngineDefinition, enginesFor } from './engine.js';
import { nfqueue } from './nfqueue.js';
import { none } from './none.js';
import { tunnelFlag } from './tunnel-flag.js';

/** In order of preference: the least that moves first. */
const PREFERENCE: readonly EngineDefinition[] = [none, tunnelFlag, bpf, nfqueue];

interface EngineChoice {
  engine: EngineDefinition;
  /** Why this one, in words. */
  reason: string;
}

/** @throws ClearDfError ENVIRONMENT when the one asked for, or every one, is known not to work here */
export function chooseEngine(site: Site, facts: Facts): EngineChoice {
  const engines = enginesFor(site);
  const tried = PREFERENCE.filter(({ name }) => engines.includes(name)).map((engine) => ({
    engine,
    ...engine.can(site, facts),
  }));
  if (site.engine !== 'auto') {
    const asked = tried.filter(({ engine }) => engine.name === site.engine);
    const [found] = asked;
    if (found === undefined || found.answer === 'no') throw unfit(site, asked);
    const reason = [`asked for in ${site.place('engine')}`, found.because, found.engine.trade].join('; ');
    return { engine: found.engine, reason };
  }
  const fit = tried.find(({ answer }) => answer === 'yes') ?? tried.find(({ answer }) => answer === 'unknown');
  if (fit === undefined) throw unfit(site, tried);
  const passed = tried.slice(0, tried.indexOf(fit));
  const others = passed.map(({ engine, because }) => `not ${engine.name}: ${because}`);
  return { engine: fit.engine, reason: [fit.because, fit.engine.trade, ...others].join('; ') };
}

function unfit(
  site: Site,
  tried: readonly { engine: EngineDefinition; because: string; hint?: string }[],
): ClearDfError {
  const all = site.engine === 'auto';
  return new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'use',
    object: `engine ${site.engine} (${site.place('engine')})`,
    reason: tried.map(({ engine, because }) => (all ? `${engine.name}: ${because}` : because)).join('; '),
    hint: tried.find(({ hint }) => hint !== undefined)?.hint,
  });
}
