/**
 * `clear-df setup`: asks what is wanted, looks at the machine, shows what would come of it, and writes the files. Nothing
 * but files is made, and those whole or not at all.
 */
import { accessSync, constants, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ClearDfError, missingError, usageError } from '../errors.js';
import { createRunner, errnoOf, type Runner } from '../host/exec.js';
import { FileSet, installFile } from '../host/install-file.js';
import { readLinks } from '../host/read/links.js';
import { readPath } from '../host/read/path.js';
import { readKernelQueues } from '../host/read/queues.js';
import { readRoutes } from '../host/read/routes.js';
import { readTextFile } from '../host/text-file.js';
import type { Logger } from '../log.js';
import { quoteWord } from '../net/replay.js';
import type { OwnCommand } from '../tunnel/unit-text.js';
import { parseConfigText } from './config-file.js';
import { readOptions } from './options.js';
import { runPlan } from './run.js';
import { filesOf, type SetupFile } from './setup/files.js';
import { type Answers, otherEnd, QUESTIONS, type Question, type View } from './setup/questions.js';
import { tunnelKeys, tunnelPlan, tunnelUnit } from './tunnel.js';

const UNITS = '/etc/systemd/system';

interface SetupRequest {
  /** What flags have answered already. */
  given: Answers;
  /** Where the files go. */
  folder: string;
  /** Where a unit goes; default: /etc/systemd/system. */
  units?: string;
  /** Show all of it, and write nothing. */
  dryRun: boolean;
  /** Of a unit. */
  command: OwnCommand;
}

export interface SetupPerson {
  /** An answer, or undefined to take what is suggested; `refused` says why the last one was not taken. */
  answer: (question: Question, suggested: string | undefined, refused?: string) => Promise<string | undefined>;
  /** Whether the files are to be written. */
  agrees: () => Promise<boolean>;
  print: (text: string) => void;
}

/**
 * @param stop ends the command that looks at the machine
 * @returns whether the files were written
 * @throws ClearDfError USAGE for an answer that a flag gave, CONFLICT when a file is there with another text, and what
 * `tunnel plan` refuses
 */
export async function setUp(
  request: SetupRequest,
  person: SetupPerson,
  log: Logger,
  stop?: AbortSignal,
): Promise<boolean> {
  const { given, folder, units = UNITS, dryRun, command } = request;
  if (!dryRun) refuseUnwritable(folder);
  const answers = await askAll(given, await viewOf(createRunner({ log, stop })), person);
  const files = filesOf(answers);
  refuseOthers(files, folder);
  for (const { name, text, for: whose } of files) {
    person.print(`\n# ${path.join(folder, name)}${whose === 'other' ? ', for the other router' : ''}\n${text}`);
  }
  const [main] = files as [SetupFile];
  person.print(await consequences(main, { folder, answers, log, stop }));
  // What was ended may have been taken for an answer.
  stop?.throwIfAborted();
  if (dryRun || !(await person.agrees())) return false;
  const written = await writeAll(files, { folder, units, answers, command, log, stop });
  person.print(`\n${written.map((file) => `wrote ${file}`).join('\n')}\n\n${nextSteps(answers, folder)}`);
  return true;
}

/** Before the first question, not after the last. */
function refuseUnwritable(folder: string): void {
  let there = path.resolve(folder);
  while (!existsSync(there)) there = path.dirname(there);
  try {
    accessSync(there, constants.W_OK);
  } catch (cause) {
    const hint = 'run as root, or name another folder with --output; --dry-run writes nothing';
    const reason = 'this user may not write there';
    throw new ClearDfError({
      code: 'PRIVILEGE',
      operation: 'write to',
      object: there,
      reason,
      errno: errnoOf(cause),
      hint,
      cause,
    });
  }
}

async function viewOf(runner: Runner): Promise<View> {
  const [{ links }, { routes }] = await Promise.all([readLinks(runner), readRoutes(runner)]);
  const queues = readKernelQueues();
  const held = new Set(queues.state === 'known' ? queues.rows.map(({ queue }) => queue) : []);
  let freeQueue = 0;
  while (held.has(freeQueue)) freeQueue += 1;
  return {
    links,
    uplinks: routes.filter(({ destination }) => destination === 'default').map(({ dev }) => dev),
    freeQueue,
    systemd: existsSync('/run/systemd/system'),
    pathTo: (remote) => readPath(runner, remote, links),
  };
}

/** @throws ClearDfError USAGE for a flag that does not matter here, or whose value is not accepted */
async function askAll(given: Answers, view: View, person: SetupPerson): Promise<Answers> {
  const answers: Answers = {};
  for (const question of QUESTIONS) {
    const { name } = question;
    if (question.asked(answers, view)) answers[name] = await answerTo(question, given[name], answers, view, person);
    else if (given[name] !== undefined) throw usageError(`--${name}`, given[name], notAsked(answers));
  }
  return answers;
}

function notAsked({ purpose }: Answers): string {
  return `nothing: with --purpose ${purpose} and these answers it is not asked`;
}

async function answerTo(
  question: Question,
  given: string | undefined,
  answers: Answers,
  view: View,
  person: SetupPerson,
): Promise<string> {
  const { name, words, refused: refusedAs } = question;
  const refusal = (answer: string): string | undefined =>
    words === undefined ? refusedAs(answer, view, answers) : words.includes(answer) ? undefined : words.join(', ');
  if (given !== undefined) {
    const accepted = refusal(given);
    if (accepted !== undefined) throw usageError(`--${name}`, given, accepted);
    return given;
  }
  const first = await question.suggested(view, answers);
  // Where nobody is asked, one that is refused would be taken again and again.
  const suggested = first === undefined || refusal(first) !== undefined ? undefined : first;
  for (let refused: string | undefined; ;) {
    const answer = (await person.answer(question, suggested, refused)) ?? suggested;
    if (answer === undefined) throw missingError(`--${name}`, refusal('') ?? 'an answer');
    refused = refusal(answer);
    if (refused === undefined) return answer;
    refused = `'${answer}' is not accepted; expected ${refused}`;
  }
}

/** A file with another text is not ours: it is not replaced. */
function refuseOthers(files: readonly Pick<SetupFile, 'name' | 'text'>[], folder: string): void {
  for (const { name, text } of files) {
    const file = path.join(folder, name);
    if (!existsSync(file) || readTextFile(file, { object: `'${file}'`, accepted: 'a text file, or none' }) === text)
      continue;
    const hint = 'take another --name or --output, or remove it first';
    const reason = 'it is there already, with another text';
    throw new ClearDfError({ code: 'CONFLICT', operation: 'write file', object: file, reason, errno: 'EEXIST', hint });
  }
}

/** What would come of the files: made in a folder that goes again. */
async function consequences(
  { name, text }: SetupFile,
  { folder, answers, log, stop }: Omit<Writing, 'command' | 'units'>,
): Promise<string> {
  if (answers.purpose !== 'bridge') {
    return `\n${await runPlan(readOptions(parseConfigText(text, path.join(folder, name))), log, stop)}`;
  }
  const stage = stageFolder();
  try {
    const file = path.join(stage, name);
    writeFileSync(file, text);
    if (answers.carrier !== 'plain') tunnelKeys(file);
    return `\n${(await tunnelPlan(file, { json: false }, log, stop)).text.replaceAll(stage, folder)}`;
  } catch (error) {
    if (!ClearDfError.is(error)) throw error;
    const at = (text: string | undefined) => text?.replaceAll(stage, folder);
    throw new ClearDfError({
      ...error,
      reason: at(error.reason) ?? '',
      object: at(error.object),
      hint: at(error.hint),
      cause: error,
    });
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

function stageFolder(): string {
  const place = tmpdir();
  try {
    return mkdtempSync(path.join(place, 'clear-df-setup-'));
  } catch (cause) {
    const reason = 'the plan is made from files in there, and none can be written';
    const hint = 'set TMPDIR to a folder that can be written to';
    const errno = errnoOf(cause);
    throw new ClearDfError({ code: 'ENVIRONMENT', operation: 'use folder', object: place, reason, errno, hint, cause });
  }
}

interface Writing {
  folder: string;
  units: string;
  answers: Answers;
  command: OwnCommand;
  log: Logger;
  stop: AbortSignal | undefined;
}

/** @returns the paths; when one fails, those that this call made are gone again */
async function writeAll(
  files: readonly SetupFile[],
  { folder, units, answers, command, log, stop }: Writing,
): Promise<string[]> {
  const written = new FileSet();
  const unlessThere = (file: string, write: () => void) => {
    if (!existsSync(file)) written.write(file, write);
  };
  const install = (file: string, text: string) => unlessThere(file, () => installFile(file, '644', text));
  try {
    written.folder(folder);
    for (const { name, text } of files) install(path.join(folder, name), text);
    const site = path.join(folder, `${answers.name}.yaml`);
    if (answers.carrier === 'ike' || answers.carrier === 'keys') {
      const secret = path.join(folder, `${answers.name}.${answers.carrier === 'ike' ? 'psk' : 'keys'}`);
      unlessThere(secret, () => tunnelKeys(site));
    }
    if (answers.unit === 'yes') {
      const name = `clear-df-${answers.name}.service`;
      const text = await tunnelUnit(site, command, log, stop);
      refuseOthers([{ name, text }], units);
      install(path.join(units, name), text);
    }
    return written.files;
  } catch (error) {
    return written.undo(error);
  }
}

function nextSteps(answers: Answers, folder: string): string {
  const at = (name: string): string => quoteWord(path.join(folder, name));
  const { purpose, name = '', carrier, unit } = answers;
  if (purpose !== 'bridge') {
    return `Look: clear-df run --config ${at('clear-df.yaml')} --dry-run\nStart: clear-df run --config ${at('clear-df.yaml')}, or systemctl enable --now clear-df where the package's unit is\n`;
  }
  const secret =
    carrier === 'ike' ? ` and ${at(`${name}.psk`)}` : carrier === 'keys' ? ` and ${at(`${name}.keys`)}` : '';
  const start = unit === 'yes' ? `systemctl enable --now clear-df-${name}` : `clear-df tunnel up ${at(`${name}.yaml`)}`;
  return [
    `1. Copy ${at(`${otherEnd(name)}.yaml`)}${secret} to ${quoteWord(folder)} of the other router, and check the lines that say so.`,
    `2. Here: ${start}`,
    `3. There: clear-df tunnel up ${at(`${otherEnd(name)}.yaml`)}`,
    `4. From host to host: ping -M do -s 1472; here: clear-df doctor ${at(`${name}.yaml`)}`,
    '',
  ].join('\n');
}
