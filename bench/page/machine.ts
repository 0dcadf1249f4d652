/** A machine in words. Pure. */
import type { MachineFacts } from '../record/results.js';
import { digits } from './units.js';

export function machineText(machine: MachineFacts): string {
  const { cpu, cores, memoryBytes, hypervisor, kernel, node, iptables, nft } = machine;
  const memory = `${digits(memoryBytes / 2 ** 30)} GiB`;
  const where = hypervisor === 'none seen' || hypervisor === 'none' ? '' : `, virtual (${hypervisor})`;
  return `${cpu}, ${cores} cores, ${memory}${where}, Linux ${kernel}, Node ${node}, ${iptables}, ${nft}`;
}
