/** Reads the instructions of a BPF object as clang writes it: ELF, 64 bits, little-endian. */

interface Section {
  name: string;
  offset: number;
  size: number;
  link: number;
}

interface Symbol {
  name: string;
  section: string;
  value: number;
}

const INSTRUCTION = 8;
/** BPF_LD | BPF_IMM | BPF_DW, which takes two places. */
const LOAD_64 = 0x18;
/** What `src_reg` of such an instruction says of its number. */
const MAP_DESCRIPTOR = 1;
/** How the names of settings begin, which the loader makes constants of. */
const SETTING = 'cdf_setting_';

/**
 * The instructions of one section as C initializers of `struct bpf_insn`. A map is named as `enum cdf_fast_map` has it;
 * the loader puts its descriptor there, and for `cdf_setting_NAME` the value of that setting.
 * @throws Error when something is referred to that no map is
 */
export function readObject(object: Buffer, wanted: string): string[] {
  const sections = readSections(object);
  const code = find(sections, wanted);
  const symbols = readSymbols(object, sections);
  const references = readReferences(object, sections, wanted, symbols);
  const lines: string[] = [];
  for (let at = 0; at < code.size; at += INSTRUCTION) {
    const base = code.offset + at;
    const [operation, registers] = [object.readUInt8(base), object.readUInt8(base + 1)];
    const [jump, immediate] = [object.readInt16LE(base + 2), object.readInt32LE(base + 4)];
    const target = references.get(at);
    if (target === undefined) {
      lines.push(initializer(operation, registers & 15, registers >> 4, jump, immediate));
      continue;
    }
    if (operation !== LOAD_64) throw new Error(`instruction ${at / INSTRUCTION} refers to ${target.name}`);
    lines.push(reference(operation, registers & 15, target), initializer(0, 0, 0, 0, 0));
    at += INSTRUCTION;
  }
  return lines;
}

function reference(operation: number, register: number, { name, section }: Symbol): string {
  if (section === '.maps') return initializer(operation, register, MAP_DESCRIPTOR, 0, `CDF_FAST_MAP_${name}`);
  if (!name.startsWith(SETTING)) throw new Error(`${name} is in '${section}': neither a map nor a setting`);
  const setting = name.slice(SETTING.length);
  const [size, place] = [`CDF_FAST_SETTING_SIZE(${setting})`, `CDF_FAST_SETTING_AT(${setting})`];
  return initializer(operation, register, 'CDF_FAST_SETTING', size, place);
}

type Operand = number | string;

function initializer(code: number, to: number, from: Operand, offset: Operand, immediate: Operand): string {
  return `{ 0x${code.toString(16).padStart(2, '0')}, ${to}, ${from}, ${offset}, ${immediate} }`;
}

function find(sections: readonly Section[], name: string): Section {
  const found = sections.find((section) => section.name === name);
  if (found === undefined) throw new Error(`no section ${name}`);
  return found;
}

function textAt(object: Buffer, at: number): string {
  return object.toString('latin1', at, object.indexOf(0, at));
}

function readSections(object: Buffer): Section[] {
  const [table, size] = [Number(object.readBigUInt64LE(40)), object.readUInt16LE(58)];
  const [count, names] = [object.readUInt16LE(60), object.readUInt16LE(62)];
  const header = (i: number) => table + i * size;
  const offsetOf = (i: number) => Number(object.readBigUInt64LE(header(i) + 24));
  return Array.from({ length: count }, (_, i) => ({
    name: textAt(object, offsetOf(names) + object.readUInt32LE(header(i))),
    offset: offsetOf(i),
    size: Number(object.readBigUInt64LE(header(i) + 32)),
    link: object.readUInt32LE(header(i) + 40),
  }));
}

function readSymbols(object: Buffer, sections: readonly Section[]): Symbol[] {
  const table = find(sections, '.symtab');
  const names = sections[table.link]?.offset ?? 0;
  return Array.from({ length: table.size / 24 }, (_, i) => {
    const at = table.offset + i * 24;
    return {
      name: textAt(object, names + object.readUInt32LE(at)),
      section: sections[object.readUInt16LE(at + 6)]?.name ?? '',
      value: Number(object.readBigUInt64LE(at + 8)),
    };
  });
}

/** What each instruction refers to, by its place in bytes. */
function readReferences(
  object: Buffer,
  sections: readonly Section[],
  code: string,
  symbols: readonly Symbol[],
): Map<number, Symbol> {
  const table = find(sections, `.rel${code}`);
  const found = new Map<number, Symbol>();
  for (let at = table.offset; at < table.offset + table.size; at += 16) {
    const symbol = symbols[object.readUInt32LE(at + 12)];
    if (symbol !== undefined) found.set(Number(object.readBigUInt64LE(at)), symbol);
  }
  return found;
}
