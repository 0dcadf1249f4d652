/** The wrong site files of the unit tests, sorted by what a real router has to be like to refuse them. */
import { WRONG_SITES, type WrongSite } from '../unit/tunnel-wrong-sites.js';

// One that has to make a gretap first is told in the lab: not every kernel that tests run on has them.
const needsGretap = ({ commands = [] }: WrongSite): boolean => commands.flat().includes('gretap');

const plain = WRONG_SITES.filter(({ commands }) => commands === undefined);
const isFirst = ({ code }: WrongSite, at: number): boolean => plain.findIndex((site) => site.code === code) === at;

/** Those that any router refuses: the first of each exit code, and all others. */
export const UNPREPARED = {
  ofEachCode: plain.filter(isFirst),
  others: plain.filter((site, at) => !isFirst(site, at)),
};

/** Those that are wrong on a router of some kind. */
export const PREPARED = WRONG_SITES.filter((site) => site.commands !== undefined && !needsGretap(site));
