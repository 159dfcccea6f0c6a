/** One qualifier of a property (DSP0243 1.1.0, table 7; CIM's DSP0004, 5.5): `MinLen(1)`, `ValueMap{"a", "b"}`. */
export interface Qualifier {
  readonly name: string;
  readonly values: readonly string[];
}

/** A list of qualifiers, separated by commas or blanks; undefined where the text is none. */
export function parseQualifiers(text: string): Qualifier[] | undefined {
  const qualifiers: Qualifier[] = [];
  let rest = text.replace(SEPARATORS, '');
  while (rest !== '') {
    const name = /^[A-Za-z][A-Za-z0-9_.]*/.exec(rest)?.[0];
    if (name === undefined) return undefined;
    const list = parseList(rest.slice(name.length).trimStart());
    if (list === undefined) return undefined;
    qualifiers.push({ name, values: list.values });
    rest = list.rest.replace(SEPARATORS, '');
  }
  return qualifiers;
}

const SEPARATORS = /^[\s,]+/;

/** What stands in the parentheses or braces that may follow a name, and what comes after them. */
function parseList(text: string): { values: string[]; rest: string } | undefined {
  const close = CLOSING.get(text.charAt(0));
  if (close === undefined) return { values: [], rest: text };
  const values: string[] = [];
  let rest = text.slice(1).replace(SEPARATORS, '');
  while (!rest.startsWith(close)) {
    const match = /^"((?:[^"\\]|\\.)*)"|^([^\s",(){}][^",(){}]*)/s.exec(rest);
    if (match === null) return undefined;
    values.push(match[1]?.replace(/\\(.)/gs, '$1') ?? (match[2] ?? '').trim());
    rest = rest.slice(match[0].length).replace(SEPARATORS, '');
  }
  return { values, rest: rest.slice(1) };
}

const CLOSING = new Map([
  ['(', ')'],
  ['{', '}'],
]);
