/**
 * TCP whose fragments get lost: what a repeated identification costs. The topology and the reasoning are in
 * `test/helpers/fragment-loss.ts`.
 *
 * Non-repeating identifications cannot collide: 20 MB are about 13,800 datagrams of one triple (retransmitted ones
 * included fewer than 20,000), and none repeats within 30,000. With rand() a new datagram meets one of the halves
 * that wait with a chance of waiting/65,536; about 140 wait at the end, 70 on average: 13,800 x 70 / 65,536 = 15
 * are expected, none at all with a chance of e^-15.
 */
import { expect, it } from 'vitest';
import { lossTable, type LossyTransfer, lossyTransfer, POLICIES } from '../helpers/fragment-loss.js';
import { patient } from '../helpers/slowness.js';

it(
  'clear-df loses no datagram to a repeated identification; rand() does',
  async () => {
    const transfers: LossyTransfer[] = [];
    for (const policy of POLICIES) transfers.push(await lossyTransfer(policy));
    console.log(lossTable(transfers));
    for (const { policy, fragmentsLost, reassemblyFails, checksumErrors } of transfers) {
      // 0.5 % of 27,600 is 138, with a standard deviation of 12.
      expect(fragmentsLost, policy).toBeGreaterThan(70);
      if (policy === 'rand()') expect(reassemblyFails + checksumErrors, policy).toBeGreaterThan(0);
      else
        expect({ policy, reassemblyFails, checksumErrors }).toEqual({ policy, reassemblyFails: 0, checksumErrors: 0 });
    }
  },
  patient(300_000),
);
