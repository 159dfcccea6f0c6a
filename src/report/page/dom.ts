type Child = Node | string | undefined;

interface Properties {
  readonly class?: string;
  readonly text?: string;
  /** Attributes by their names. */
  readonly set?: Readonly<Record<string, string>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
}

/** Makes an element. Texts are text, whatever they say: nothing in a page is made of HTML. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  { class: name, text, set = {}, on = {} }: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (name !== undefined) element.className = name;
  if (text !== undefined) element.textContent = text;
  for (const [key, value] of Object.entries(set)) element.setAttribute(key, value);
  for (const [key, handler] of Object.entries(on)) element.addEventListener(key, handler);
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

export function button(text: string, title: string, onClick: () => void): HTMLButtonElement {
  const set = { type: 'button', title };
  return el('button', { text, set, on: { click: onClick } });
}

export interface Choice {
  readonly value: string;
  readonly label: string;
}

/** A list of choices with its label before it. */
export function chooser(
  label: string,
  choices: readonly Choice[],
  chosen: string,
  onChange: (value: string) => void,
): HTMLLabelElement {
  const select = el('select', { on: { change: () => onChange(select.value) } });
  for (const { value, label: text } of choices) select.append(el('option', { text, set: { value } }));
  select.value = chosen;
  return el('label', { class: 'field' }, el('span', { text: label }), select);
}

export function checkbox(label: string, checked: boolean, onChange: (on: boolean) => void): HTMLLabelElement {
  const input = el('input', { set: { type: 'checkbox' }, on: { change: () => onChange(input.checked) } });
  input.checked = checked;
  return el('label', { class: 'check' }, input, el('span', { text: label }));
}

/** Has a file saved. */
export function saveFile(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  el('a', { set: { href: url, download: name } }).click();
  // Not before the browser has taken it up.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** The place of a section that the script fills; what stands there for those without a script goes. */
export function partOf(name: string): HTMLElement | undefined {
  const part = document.querySelector<HTMLElement>(`[data-part="${name}"]`) ?? undefined;
  part?.parentElement?.querySelector('.static')?.remove();
  return part;
}
