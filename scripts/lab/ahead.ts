/**
 * Fetches and makes what guests boot from, while other tests run: the newest kernel, and that of this machine's own
 * release. What cannot be had is left to the lab itself, which says so.
 */
import { setPriority } from 'node:os';
import { offers } from './fetch.js';
import { prepare } from './qemu.js';
import { ownSuite } from './suites.js';

setPriority(19);
const { kernels } = await offers();
const own = await ownSuite();
const wanted = new Set([kernels.at(-1), kernels.find(({ suite, codename }) => suite === own || codename === own)]);
for (const kernel of wanted) if (kernel !== undefined) await prepare(kernel, false);
