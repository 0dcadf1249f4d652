/** Whether this machine, or network namespace, can talk to itself. */
import { networkInterfaces } from 'node:os';

/** A new network namespace has its loopback device down. */
export function loopbackIsUp(): boolean {
  // Devices that are down are not among them.
  return Object.values(networkInterfaces()).some((addresses = []) => addresses.some(({ internal }) => internal));
}
