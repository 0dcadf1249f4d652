/** Nobody: the tunnel device takes frames of every size, and cuts the packet around them. */
import { type EngineDefinition } from './engine.js';

export const none: EngineDefinition = {
  name: 'none',
  can: () => ({ answer: 'yes', because: 'the tunnel device takes full-size frames as they are' }),
  trade:
    'nothing runs in user space and inner packets arrive as they were sent, DF included; there is no count of the ' +
    'packets that needed it',
  parts: () => ({ ignoreDf: false, first: [], onBridge: [], onTunnel: [], mangler: undefined, notes: [] }),
};
