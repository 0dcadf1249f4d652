/** What swanctl prints with `--pretty`: messages of vici, one section, list or value a line. */

/** A section: values, lists of values, sections. */
export interface ViciSection {
  [key: string]: string | string[] | ViciSection;
}

export interface ViciMessage {
  /** `list-sa event` */
  name: string;
  body: ViciSection;
}

/** Every message of a text; lines outside of messages are left out. */
export function parsePretty(text: string): ViciMessage[] {
  const messages: ViciMessage[] = [];
  const open: ViciSection[] = [];
  let list: string[] | undefined;
  for (const line of text.split('\n').map((one) => one.trim())) {
    const inside = open.at(-1);
    if (list !== undefined) {
      if (line === ']') list = undefined;
      else list.push(line);
    } else if (line === '}') {
      open.pop();
    } else if (line.endsWith(' {')) {
      const body: ViciSection = {};
      const name = line.slice(0, -2);
      if (inside === undefined) messages.push({ name, body });
      else inside[name] = body;
      open.push(body);
    } else if (inside !== undefined) {
      const [, key = '', value = ''] = /^(\S+) = ?(.*)$/.exec(line) ?? [];
      if (value === '[') inside[key] = list = [];
      else if (key !== '') inside[key] = value;
    }
  }
  return messages;
}
