/** The tunnel device itself: `nopmtudisc ignore-df` leaves DF out of the outer header, and takes any inner frame. */
import { gretapOf } from '../site/site.js';
import { type EngineDefinition, ability } from './engine.js';

export const tunnelFlag: EngineDefinition = {
  name: 'tunnel-flag',
  can(site, facts) {
    if (gretapOf(site)?.pmtudisc === true) {
      const because = 'the kernel refuses ignore-df together with tunnel.pmtudisc (EINVAL)';
      return { answer: 'no', because, hint: 'tunnel.pmtudisc: false, or engine: nfqueue' };
    }
    return ability(
      facts,
      'ignoreDf',
      {
        yes: 'this kernel knows ignore-df',
        no: 'this kernel does not know ignore-df',
        unknown: 'whether this kernel knows ignore-df could not be found out',
      },
      'use engine: bpf or engine: nfqueue',
    );
  },
  trade:
    'nothing runs in user space and inner packets arrive as they were sent, DF included; there is no count of the ' +
    'packets that needed it',
  parts: () => ({ ignoreDf: true, first: [], onBridge: [], onTunnel: [], mangler: undefined, notes: [] }),
};
