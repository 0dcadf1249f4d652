/** By what a trace's tables and rules are known: the process that made them, so that a later run knows whose they are. */

/** A process by its number and its start (`starttime` of proc(5)); 0 where that is not known. */
export interface Tracer {
  pid: number;
  started: number;
}

const FORM = '([1-9]\\d{0,9})-(\\d{1,20})';
const TAG = new RegExp(`^clear-df-trace:${FORM}$`);
const TABLE = new RegExp(`^clear-df-trace-${FORM}$`);

/** The comment of its rules: `clear-df-trace:PID-START`. */
export function tagOf({ pid, started }: Tracer): string {
  return `clear-df-trace:${pid}-${started}`;
}

/** The name of its nft tables. */
export function tableOf({ pid, started }: Tracer): string {
  return `clear-df-trace-${pid}-${started}`;
}

/** Whose rule it is by its comment; undefined when it is none of a trace. */
export function tracerOfTag(comment: string): Tracer | undefined {
  return read(TAG.exec(comment));
}

/** Whose table it is by its name; undefined when it is none of a trace. */
export function tracerOfTable(name: string): Tracer | undefined {
  return read(TABLE.exec(name));
}

function read(match: RegExpExecArray | null): Tracer | undefined {
  return match === null ? undefined : { pid: Number(match[1]), started: Number(match[2]) };
}
