/** Several tunnels of one router that does what the kernel does, up and down as the command does it. */
import { expect } from 'vitest';
import { applyItems, refuseConflicts } from '../../src/host/tunnel/apply.js';
import { changingKeys, differenceOf, type Former, standing } from '../../src/host/tunnel/former.js';
import { removeFormer } from '../../src/host/tunnel/remove-unwanted.js';
import { snapshotAfter, snapshotOf, originOf } from '../../src/host/tunnel/snapshot.js';
import { Journal, type SiteText } from '../../src/host/tunnel/journal.js';
import { tunnelFile } from '../../src/host/tunnel/paths.js';
import { refuseOtherWishes, withoutOthers } from '../../src/host/tunnel/shared.js';
import { takeDown } from '../../src/host/tunnel/take-down.js';
import { silentLogger } from '../../src/log.js';
import { checkSite } from '../../src/tunnel/check.js';
import type { Facts } from '../../src/tunnel/facts.js';
import type { Item } from '../../src/tunnel/item.js';
import type { Plan } from '../../src/tunnel/plan.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import type { Site } from '../../src/tunnel/site/site.js';
import type { FakeRouter } from './fake-router.js';

const log = silentLogger();

const sites = new Map<string, Site>();
function siteOf({ text: written, file }: SiteText): Site {
  const site = sites.get(written) ?? parseSite(written, file);
  sites.set(written, site);
  return site;
}

export class TunnelLife {
  /** @param folder of the journals */
  constructor(readonly folder: string) {}

  fileOf(name: string): string {
    return tunnelFile(name, 'json', this.folder);
  }

  othersOf(name: string): Journal[] {
    return Journal.others(
      name,
      (error) => {
        throw error;
      },
      this.folder,
    );
  }

  /** As `openTunnel` does. @param written the site file's text */
  planOf(name: string, machine: FakeRouter, written: string) {
    const site = siteOf({ text: written, file: `/etc/${name}.yaml` });
    const others = this.othersOf(name);
    const kept = Journal.read(name, this.fileOf(name));
    if (kept !== undefined) {
      const edited = kept.site.text !== written;
      const edit = { former: siteOf(kept.site) };
      const now = edited ? withoutOthers(machine.facts, others, site) : machine.facts;
      const origin = originOf(kept, now, site, edited ? edit : undefined);
      const former = edited ? formerOf(kept, machine) : undefined;
      return { site, others, origin, ...planOf(site, origin), journal: kept, former };
    }
    const origin = withoutOthers(machine.facts, others, site);
    const journal = Journal.fresh(name, { file: site.file, text: written }, snapshotOf(origin), this.fileOf(name));
    return { site, others, origin, ...planOf(site, origin), journal, former: undefined };
  }

  async up(name: string, machine: FakeRouter, written: string): Promise<void> {
    const { site, others, origin, items, journal, former } = this.planOf(name, machine, written);
    checkSite(site, origin);
    const difference = differenceOf(items, { journal, facts: machine.facts, origin, former });
    refuseConflicts(items, machine.facts, site, difference);
    const neighbours = others.map((other) => ({
      name: other.name,
      file: other.site.file,
      items: itemsOf(other, machine),
    }));
    refuseOtherWishes(items, machine.facts, site, neighbours);
    const steps = { machine, journal, others, log, stopping: () => undefined, former, origin };
    if (former !== undefined) {
      const changing = changingKeys(items, machine.facts, difference);
      journal.adopt({ file: site.file, text: written }, snapshotAfter(journal.before, origin), changing);
    }
    await applyItems(items, steps);
    await removeFormer(items, steps);
  }

  async down(name: string, machine: FakeRouter): Promise<void> {
    const journal = Journal.read(name, this.fileOf(name));
    if (journal === undefined) return;
    const others = this.othersOf(name);
    const { failed } = await takeDown(itemsOf(journal, machine), { machine, journal, others, log });
    expect(failed).toEqual([]);
  }
}

function planOf(site: Site, origin: Facts): { plan: Plan; items: readonly Item[] } {
  const plan = planTunnel(site, origin);
  return { plan, items: plan.items };
}

function formerOf(journal: Journal, machine: FakeRouter): Former {
  const items = itemsOf(journal, machine);
  const { site, before } = journal;
  return { site, before, items, stood: standing(items, journal, machine.facts), machine: async () => machine };
}

function itemsOf(journal: Journal, machine: FakeRouter): readonly Item[] {
  const site = siteOf(journal.site);
  return planTunnel(site, originOf(journal, machine.facts, site)).items;
}
