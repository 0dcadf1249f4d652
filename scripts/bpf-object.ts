/** Reads the instructions of a BPF object as clang writes it: ELF, 64 bits, of either byte order. */

/** Numbers of an ELF file, in its own byte order. */
class Elf {
  private readonly view: DataView;
  private readonly little: boolean;

  constructor(private readonly bytes: Buffer) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    // EI_DATA: 1 is least significant byte first.
    this.little = bytes[5] === 1;
  }

  u8 = (at: number): number => this.view.getUint8(at);
  u16 = (at: number): number => this.view.getUint16(at, this.little);
  u32 = (at: number): number => this.view.getUint32(at, this.little);
  u64 = (at: number): number => Number(this.view.getBigUint64(at, this.little));
  i16 = (at: number): number => this.view.getInt16(at, this.little);
  i32 = (at: number): number => this.view.getInt32(at, this.little);

  /** The two halves of a byte in the order of a struct's bit fields, which is that of bytes. */
  halves(at: number): [number, number] {
    const byte = this.u8(at);
    return this.little ? [byte & 15, byte >> 4] : [byte >> 4, byte & 15];
  }

  text(at: number): string {
    return this.bytes.toString('latin1', at, this.bytes.indexOf(0, at));
  }
}

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
export function readObject(bytes: Buffer, wanted: string): string[] {
  const object = new Elf(bytes);
  const sections = readSections(object);
  const code = find(sections, wanted);
  const symbols = readSymbols(object, sections);
  const references = readReferences(object, sections, wanted, symbols);
  const lines: string[] = [];
  for (let at = 0; at < code.size; at += INSTRUCTION) {
    const base = code.offset + at;
    const operation = object.u8(base);
    const [to, from] = object.halves(base + 1);
    const [jump, immediate] = [object.i16(base + 2), object.i32(base + 4)];
    const target = references.get(at);
    if (target === undefined) {
      lines.push(initializer(operation, to, from, jump, immediate));
      continue;
    }
    if (operation !== LOAD_64) throw new Error(`instruction ${at / INSTRUCTION} refers to ${target.name}`);
    lines.push(reference(operation, to, target), initializer(0, 0, 0, 0, 0));
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

function readSections(object: Elf): Section[] {
  const [table, size] = [object.u64(40), object.u16(58)];
  const [count, names] = [object.u16(60), object.u16(62)];
  const header = (i: number) => table + i * size;
  const offsetOf = (i: number) => object.u64(header(i) + 24);
  return Array.from({ length: count }, (_, i) => ({
    name: object.text(offsetOf(names) + object.u32(header(i))),
    offset: offsetOf(i),
    size: object.u64(header(i) + 32),
    link: object.u32(header(i) + 40),
  }));
}

function readSymbols(object: Elf, sections: readonly Section[]): Symbol[] {
  const table = find(sections, '.symtab');
  const names = sections[table.link]?.offset ?? 0;
  return Array.from({ length: table.size / 24 }, (_, i) => {
    const at = table.offset + i * 24;
    return {
      name: object.text(names + object.u32(at)),
      section: sections[object.u16(at + 6)]?.name ?? '',
      value: object.u64(at + 8),
    };
  });
}

/** What each instruction refers to, by its place in bytes. */
function readReferences(
  object: Elf,
  sections: readonly Section[],
  code: string,
  symbols: readonly Symbol[],
): Map<number, Symbol> {
  const table = find(sections, `.rel${code}`);
  const found = new Map<number, Symbol>();
  for (let at = table.offset; at < table.offset + table.size; at += 16) {
    const symbol = symbols[Math.floor(object.u64(at + 8) / 2 ** 32)];
    if (symbol !== undefined) found.set(object.u64(at), symbol);
  }
  return found;
}
