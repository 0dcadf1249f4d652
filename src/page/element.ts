/** Elements, without any HTML in a string: what a word says stays a word. */

export function element<Name extends keyof HTMLElementTagNameMap>(name: Name, text = ''): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

/** One that the page has. @throws Error when it has none */
export function existing(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/** Marks what is wrong: red, by the style sheet. */
export function mark(made: HTMLElement, alarm: boolean | undefined): void {
  if (alarm === true) made.dataset['alarm'] = '';
  else delete made.dataset['alarm'];
}
