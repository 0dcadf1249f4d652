/** The words of carriers with a device of their own, VTI and XFRM interface: marks, tables and addresses. */
import * as z from 'zod';
import type { Mark } from './site.js';
import { host, leaf, newDevice, readWhole, Refused, whole } from './values.js';

/** The reqid's number, too: it spells clear-df in hexadecimal, 0xcdf, and meets no daemon's. */
const OURS = 3295;
const UINT32_MAX = 0xffff_ffff;
/** Bits that are ours by default; the others are left to other programs. */
const OUR_BITS = 0xfff;

const MARK_FORM = 'VALUE or VALUE/MASK such as 0xcdf/0xfff, a value of at least one bit within its mask';

const mark = leaf(MARK_FORM, (text): Mark | Refused => {
  const [value, mask = UINT32_MAX, ...rest] = text.split('/').map(readWhole);
  if (value === undefined || value === 0 || value > UINT32_MAX || mask > UINT32_MAX || rest.length > 0) {
    return new Refused(value === 0 ? { because: '0 is the mark of every packet without one' } : {});
  }
  if ((value & ~mask) !== 0) return new Refused({ because: 'the value has bits that the mask does not cover' });
  return { value, mask };
});

/** 253 default, 254 main, 255 local. */
const table = leaf('a routing table, 1-4294967295 but not 253-255', (text) => {
  const number = readWhole(text);
  if (number === undefined || number < 1 || number > UINT32_MAX) return new Refused();
  return number >= 253 && number <= 255 ? new Refused({ because: "it is one of the kernel's own" }) : number;
});

/** Addresses of the two ends of the device. */
export const inner = z.strictObject({
  local: host.describe('of this end'),
  remote: host.describe('of the other end'),
});

const common = {
  inner: inner.optional().describe("addresses at the two ends of the device; the routers' own unless given"),
  mark: mark.optional().describe('of ESP that has left the device; vti: its key as well'),
  table: table.default(OURS).describe('of the route into the device; without inner only'),
  // Behind the table `local`, before `main`.
  priority: whole(1, 32_765, 'the preference of a rule')
    .default(OURS)
    .describe('of the rule that leads to the table; without inner only'),
} as const;

export const VTI = { device: newDevice.default('vti1').describe('made by up'), ...common } as const;

export const XFRM_INTERFACE = {
  device: newDevice.default('ipsec0').describe('made by up'),
  'if-id': whole(1, UINT32_MAX, 'an if_id').default(OURS).describe('means nothing to the other end'),
  ...common,
} as const;

/** The mark of whom none is given: the same number as the device's own, and no more bits than that needs. */
export function markOf(given: Mark | undefined, number = OURS): Mark {
  return given ?? { value: number, mask: number <= OUR_BITS ? OUR_BITS : UINT32_MAX };
}
