/**
 * Are the native tests good enough? The packet rules are changed by one operator or number at a time, and each change
 * should make some program of `test/native/` fail. What none notices is compared with `test/native/mutants.json`, which
 * says for each why nothing could notice it.
 *
 *   npm run mutants                 all, ten minutes or so: 1 when a survivor has no reason
 *   npm run mutants -- id_pool.c    of other files of csrc/packet, whose survivors have no reasons yet
 *   npm run mutants -- --again      try also what was tried before
 *   npm run mutants -- --write      write the file anew; reasons that are there stay, others are to be filled in
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { digest, PROJECT } from './lab/cache.js';
import { inLanes } from './lanes.js';
import { type Mutant, mutants, mutate } from './mutants/points.js';

const PACKET = path.join(PROJECT, 'csrc/packet');
const NATIVE = path.join(PROJECT, 'test/native');
const KEPT = path.join(NATIVE, 'mutants.json');
const FILES = ['clear.c', 'ipv4.c', 'transport.c', 'identification.c', 'id_pool.c'];
/** Some changes make loops that never end: seconds of a processor, however busy the machine. And some wait for ever. */
const PROCESSOR_SECONDS = 15;
const PATIENCE = 900_000;
/** Quick to compile, which is most of the time. */
const SANITIZERS = ['-fsanitize=address,bounds', '-fno-sanitize-recover=bounds'];
const FLAGS = ['-std=c11', '-D_GNU_SOURCE', '-O0', '-fPIC', '-w'];
/** So that a run that was ended goes on where it was. */
const TRIED = path.join(PROJECT, '.cache/mutants.json');
const UNITS = readdirSync(PACKET).filter((file) => file.endsWith('.c'));

interface Survivor {
  file: string;
  line: string;
  from: string;
  to: string;
  reason: string;
}

interface Kept {
  changes: number;
  caught: number;
  survivors: Survivor[];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean' }, again: { type: 'boolean' } },
});
const files = positionals.length === 0 ? FILES : positionals;
const work = mkdtempSync(path.join(tmpdir(), 'clear-df-mutants-'));
const unchanged = path.join(work, 'objects');
mkdirSync(unchanged);

async function compile(source: string, object: string, include: string): Promise<boolean> {
  const words = [...FLAGS, ...SANITIZERS, '-I', include, '-I', path.join(PROJECT, 'csrc'), '-c', source, '-o', object];
  return !(await execa('cc', words, { reject: false })).failed;
}

/** All but the packet rules in the programs, which are linked once; the rules are a library that is exchanged. */
async function prepare(): Promise<string[]> {
  for (const unit of UNITS) await compile(path.join(PACKET, unit), path.join(unchanged, `${unit}.o`), PACKET);
  const library = path.join(work, 'libpacket.so');
  await link(
    UNITS.map((unit) => path.join(unchanged, `${unit}.o`)),
    library,
  );
  const others = readdirSync(path.join(PROJECT, 'csrc'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.c') && !file.endsWith('.bpf.c') && !file.startsWith('packet/'),
  );
  const objects = others.map((file) => path.join(work, `${path.basename(file)}.o`));
  for (const [i, file] of others.entries()) await compile(path.join(PROJECT, 'csrc', file), objects[i] ?? '', PACKET);
  const rest = path.join(work, 'rest.a');
  await execa('ar', ['rcs', rest, ...objects]);
  const programs = [];
  for (const file of readdirSync(NATIVE).filter((name) => name.endsWith('_test.c'))) {
    const program = path.join(work, path.basename(file, '.c'));
    const libraries = ['-Wl,--as-needed', library, '-lnetfilter_queue', '-lmnl', '-lpthread', '-lm'];
    const include = ['-I', path.join(PROJECT, 'csrc')];
    await execa('cc', [
      ...FLAGS,
      ...SANITIZERS,
      ...include,
      path.join(NATIVE, file),
      rest,
      ...libraries,
      '-o',
      program,
    ]);
    const { stdout } = await execa('readelf', ['-d', program]);
    if (stdout.includes('libpacket.so')) programs.push(program);
  }
  return quickestFirst(programs);
}

async function link(objects: readonly string[], library: string): Promise<void> {
  await execa('cc', ['-shared', ...SANITIZERS, '-Wl,-soname,libpacket.so', ...objects, '-o', library]);
}

async function passes(program: string, folder: string): Promise<boolean> {
  const options = {
    env: { LD_LIBRARY_PATH: folder, TAP_BAIL: '1' },
    reject: false,
    timeout: PATIENCE,
    cwd: PROJECT,
  } as const;
  const limit = ['prlimit', `--cpu=${PROCESSOR_SECONDS}`];
  // Sanitizers need a predictable address space.
  return !(await execa('setarch', ['--addr-no-randomize', ...limit, program], options)).failed;
}

async function quickestFirst(programs: readonly string[]): Promise<string[]> {
  const timed: { program: string; took: number }[] = [];
  for (const program of programs) {
    const started = Date.now();
    if (!(await passes(program, work))) throw new Error(`${path.basename(program)} fails without any change`);
    timed.push({ program, took: Date.now() - started });
  }
  return timed.sort((a, b) => a.took - b.took).map(({ program }) => program);
}

type Fate = 'caught' | 'survived' | 'same';

/** @param lane of its folder, since several go side by side */
async function tryOne(file: string, mutant: Mutant, programs: string[], lane: number): Promise<Fate> {
  const folder = path.join(work, `lane-${lane}`);
  const sources = path.join(folder, 'packet');
  mkdirSync(sources, { recursive: true });
  for (const name of readdirSync(PACKET)) copyFileSync(path.join(PACKET, name), path.join(sources, name));
  writeFileSync(path.join(sources, file), mutate(readFileSync(path.join(PACKET, file), 'utf8'), mutant));
  const changed = file.endsWith('.c') ? [file] : UNITS;
  const object = (unit: string) => path.join(changed.includes(unit) ? folder : unchanged, `${unit}.o`);
  for (const unit of changed) {
    // What the compiler refuses is no change that anybody could make unseen.
    if (!(await compile(path.join(sources, unit), object(unit), sources))) return 'same';
  }
  await link(UNITS.map(object), path.join(folder, 'libpacket.so'));
  for (const program of programs) {
    if (await passes(program, folder)) continue;
    // It will likely notice the next one, too.
    programs.unshift(...programs.splice(programs.indexOf(program), 1));
    return 'caught';
  }
  for (const unit of changed) {
    if ((await machineCode(sources, unit)) !== (await machineCode(PACKET, unit))) return 'survived';
  }
  return 'same';
}

/** Equal for two texts that mean the same to the compiler. */
async function machineCode(folder: string, unit: string): Promise<string> {
  const words = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-w', '-I', path.join(PROJECT, 'csrc'), '-S', '-o', '-'];
  return (await execa('cc', [...words, path.join(folder, unit)])).stdout;
}

/**
 * What was tried with the rules as they are. With other tests only survivors are tried again: what was caught is taken to
 * be caught still, until --again.
 */
function tried(): { fates: Record<string, Fate>; remember: (key: string, fate: Fate) => void } {
  const contents = (folder: string) =>
    readdirSync(folder)
      .filter((name) => /\.[ch]$/.test(name))
      .map((name) => readFileSync(path.join(folder, name), 'utf8'));
  const [rules, tests] = [digest(contents(PACKET)), digest(contents(NATIVE))];
  let fates: Record<string, Fate> = {};
  if (existsSync(TRIED) && values.again !== true) {
    const old = JSON.parse(readFileSync(TRIED, 'utf8')) as { rules: string; tests: string; fates: typeof fates };
    const stands = ([, fate]: [string, Fate]) => fate !== 'survived' || old.tests === tests;
    if (old.rules === rules) fates = Object.fromEntries(Object.entries(old.fates).filter(stands));
  }
  const remember = (key: string, fate: Fate) => {
    fates[key] = fate;
    writeFileSync(TRIED, JSON.stringify({ rules, tests, fates }));
  };
  return { fates, remember };
}

function readKept(): Kept {
  try {
    return JSON.parse(readFileSync(KEPT, 'utf8')) as Kept;
  } catch {
    return { changes: 0, caught: 0, survivors: [] };
  }
}

function reasonOf(kept: Kept, found: Omit<Survivor, 'reason'>): string {
  const same = ({ file, line, from, to }: Omit<Survivor, 'reason'>) => JSON.stringify([file, line, from, to]);
  return kept.survivors.find((one) => same(one) === same(found))?.reason ?? '';
}

async function main(): Promise<void> {
  const programs = await prepare();
  const kept = readKept();
  const { fates, remember } = tried();
  const list = files.flatMap((file) =>
    mutants(readFileSync(path.join(PACKET, file), 'utf8')).map((mutant) => ({ file, mutant })),
  );
  console.log(`${list.length} changes; programs: ${programs.map((name) => path.basename(name)).join(' ')}`);
  const survivors: Survivor[] = [];
  const total = { caught: 0, survived: 0, same: 0 };
  const orders = Array.from({ length: availableParallelism() }, () => [...programs]);
  await inLanes(list, orders.length, async ({ file, mutant }, lane) => {
    const key = [file, mutant.at, mutant.to].join(' ');
    let fate = fates[key];
    if (fate === undefined) {
      fate = await tryOne(file, mutant, orders[lane] as string[], lane);
      remember(key, fate);
    }
    total[fate]++;
    if (fate !== 'survived') return;
    const { from, to, text: line } = mutant;
    const found = { file, line, from, to };
    const reason = reasonOf(kept, found);
    survivors.push({ ...found, reason });
    console.log(`${file}:${mutant.line}: ${line}\n    ${from} → ${to || 'nothing'}: ${reason || 'NO REASON'}`);
  });
  const changes = total.caught + total.survived;
  const share = changes === 0 ? 1 : total.caught / changes;
  console.log(
    `${changes} changes, ${total.caught} caught (${(share * 100).toFixed(1)} %), ${total.same} change nothing`,
  );
  if (values.write === true && files === FILES) {
    survivors.sort((a, b) => a.file.localeCompare(b.file) || a.line.localeCompare(b.line) || a.to.localeCompare(b.to));
    writeFileSync(KEPT, `${JSON.stringify({ changes, caught: total.caught, survivors }, null, 2)}\n`);
  }
  const unexplained = survivors.filter(({ reason }) => reason === '').length;
  if (unexplained > 0) console.log(`${unexplained} survivors without a reason in ${path.relative(PROJECT, KEPT)}`);
  process.exitCode = unexplained > 0 ? 1 : 0;
}

try {
  await main();
} finally {
  rmSync(work, { recursive: true, force: true });
}
