/** Several tunnels of one router that does what the kernel does, up and down as the command does it. */
import { expect } from 'vitest';
import { applyItems, refuseConflicts } from '../../src/host/tunnel/apply.js';
import { snapshotOf, originOf } from '../../src/host/tunnel/snapshot.js';
import { Journal, type SiteText } from '../../src/host/tunnel/journal.js';
import { tunnelFile } from '../../src/host/tunnel/paths.js';
import { refuseOtherWishes, withoutOthers } from '../../src/host/tunnel/shared.js';
import { takeDown } from '../../src/host/tunnel/take-down.js';
import { silentLogger } from '../../src/log.js';
import { checkSite } from '../../src/tunnel/check.js';
import type { Item } from '../../src/tunnel/item.js';
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
      const origin = originOf(kept.before, machine.facts, site);
      return { site, others, origin, items: planTunnel(site, origin).items, journal: kept };
    }
    const origin = withoutOthers(machine.facts, others, site);
    const journal = Journal.fresh(name, { file: site.file, text: written }, snapshotOf(origin), this.fileOf(name));
    return { site, others, origin, items: planTunnel(site, origin).items, journal };
  }

  async up(name: string, machine: FakeRouter, written: string): Promise<void> {
    const { site, others, origin, items, journal } = this.planOf(name, machine, written);
    checkSite(site, origin);
    refuseConflicts(items, machine.facts, site);
    const neighbours = others.map((other) => ({
      name: other.name,
      file: other.site.file,
      items: itemsOf(other, machine),
    }));
    refuseOtherWishes(items, machine.facts, site, neighbours);
    await applyItems(items, { machine, journal, others, log, stopping: () => undefined });
  }

  async down(name: string, machine: FakeRouter): Promise<void> {
    const journal = Journal.read(name, this.fileOf(name));
    if (journal === undefined) return;
    const others = this.othersOf(name);
    const { failed } = await takeDown(itemsOf(journal, machine), { machine, journal, others, log });
    expect(failed).toEqual([]);
  }
}

function itemsOf({ site: written, before }: Journal, machine: FakeRouter): readonly Item[] {
  const site = siteOf(written);
  return planTunnel(site, originOf(before, machine.facts, site)).items;
}
