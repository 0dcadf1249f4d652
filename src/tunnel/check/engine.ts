/** The engine and the hook that were asked for. */
import { chooseEngine } from '../engines/choose.js';
import { bpf } from '../engines/bpf.js';
import { type EngineDefinition } from '../engines/engine.js';
import { nfqueue } from '../engines/nfqueue.js';
import { none } from '../engines/none.js';
import { tunnelFlag } from '../engines/tunnel-flag.js';
import { type Facts } from '../facts.js';
import { machineError } from '../site/error.js';
import { type Engine, type Site } from '../site/site.js';

const ENGINES: Readonly<Record<Engine, EngineDefinition>> = { nfqueue, bpf, 'tunnel-flag': tunnelFlag, none };

/** A no is refused; what could not be found out is tried. */
export function checkEngine(site: Site, facts: Facts): void {
  // A hook that was asked for is refused even where `auto` would find a way around it.
  const hooked = site.hook !== 'auto' && site.engine !== 'bpf';
  if (site.engine === 'auto' && !hooked) {
    chooseEngine(site, facts);
    return;
  }
  const name = hooked || site.engine === 'auto' ? 'nfqueue' : site.engine;
  const { answer, because, hint } = ENGINES[name].can(site, facts);
  if (answer !== 'no') return;
  const [key, value] = hooked ? ['hook', site.hook] : ['engine', name];
  throw machineError('ENVIRONMENT', site, key, `${value} cannot work on kernel ${facts.kernel}: ${because}`, hint);
}
