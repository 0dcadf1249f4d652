/** `clear-df net show|write|diff`: many sites from one YAML file. */
import { Command, Option } from 'commander';
import { netDiff, netShow, netWrite } from '../commands/net.js';
import { type Explanation, explain } from './explain.js';
import { addLogOptions } from './option.js';

const NET = 'office.net.yaml';

const DETAILS: Explanation = {
  text: `
One file names all sites and what they have in common. write makes a folder for each router, with its site files and its
keys: copy each to /etc/clear-df of its router, and bring the tunnels up there with clear-df tunnel up. Keys are made
once and kept; a second write changes nothing where nothing has changed.`,
  examples: [
    [`clear-df net show ${NET}`, 'the sites, and what becomes of a full packet on each path'],
    [`clear-df net write ${NET}`, 'office/SITE/ for each site'],
    [`clear-df net diff ${NET} --site north --against /etc/clear-df`, 'on router north: is it as the file says?'],
  ],
  files: ['net', 'site'],
  see: ['clear-df-tunnel(1)', 'clear-df-net(5)'],
};

interface Flags {
  json?: boolean;
  svg?: boolean;
  pathMtu?: string;
  output?: string;
  dryRun?: boolean;
  site?: string;
  against?: string;
}

const OUTPUT = ['--output <folder>', "with a folder for each site (default: the net's name, beside the file)"] as const;

/** The command, for the table of commands. */
export function netCommand(): Command {
  const net = explain(new Command('net'), DETAILS);
  const verbs = [
    verb('show', 'print the sites, the paths between them, and the sizes of a full packet on each')
      .option('--json', 'print JSON')
      .addOption(new Option('--svg', 'print a picture').conflicts('json'))
      .option('--path-mtu <bytes>', 'what each path carries, where no path-mtu says less (default: 1500)')
      .action((file: string, { json, svg, pathMtu }: Flags) => {
        const as = svg === true ? 'svg' : json === true ? 'json' : 'text';
        process.stdout.write(netShow(file, { as, pathMtu }));
      }),
    verb('write', 'write site files and keys of all routers, whole or not at all')
      .option(...OUTPUT)
      .option('--dry-run', 'print what would be written, and write nothing')
      .action((file: string, { output, dryRun }: Flags) => {
        process.stdout.write(netWrite(file, { output, dryRun: dryRun === true }));
      }),
    explain(verb('diff', 'print what write would change, or what a router has else; exit code 1 when they differ'), {
      exit: '0 nothing differs, 1 something does',
    })
      .option(...OUTPUT)
      .option('--site <site>', 'of this site only')
      .option('--against <folder>', "with --site: the folder of that router, in place of the site's below --output")
      .action((file: string, { output, site, against }: Flags) => {
        const found = netDiff(file, { output, site, against });
        process.stdout.write(found);
        process.exitCode = found === '' ? 0 : 1;
      }),
  ];
  for (const each of verbs) net.addCommand(each);
  return net;
}

function verb(name: string, description: string): Command {
  return addLogOptions(new Command(name)).description(description).argument('<file>', 'the YAML file of all sites');
}
