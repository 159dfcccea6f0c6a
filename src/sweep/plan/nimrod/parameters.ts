import { parameterName } from '../../../appliance/manifest-schema.js';
import {
  type ParameterDeclaration,
  type ParameterType,
  parameterFromText,
} from '../../../model/parameter.js';
import type { FileMistakes } from '../mistakes.js';
import type { Token } from './tokens.js';

/** A `parameter` statement: what it declares, and its values as an entry of a plan would say them. */
export interface NimrodParameter {
  readonly declaration: ParameterDeclaration;
  readonly values: unknown;
  readonly place: Token;
  readonly note?: string;
}

const types: Record<string, ParameterType> = {
  integer: 'int',
  float: 'float',
  text: 'string',
  files: 'string',
};

/**
 * Reads `parameter NAME [label TEXT] TYPE DOMAIN`; undefined, and told, where it is none.
 *
 * The domains: `range from A to B [step S | points N]`, `random from A to B [points N]`, `select anyof V... [default
 * V...]`, `select oneof V... [default V]`, `default V`, or a value alone.
 */
export function readParameter(words: readonly Token[], mistakes: FileMistakes): NimrodParameter | undefined {
  const [keyword, name, ...rest] = words;
  if (!name || !parameterName.test(name.text)) {
    const { line, column } = name ?? keyword ?? { line: 1, column: 1 };
    return mistakes.at(line, column).fail('a name is up to 64 letters, digits and "_"');
  }
  const at = ({ line, column }: Token = name) => mistakes.at(line, column);
  const label = rest.findIndex(({ text, quoted }) => !quoted && text === 'label');
  const labelText = label < 0 ? undefined : rest[label + 1]?.text;
  const [kind, ...domain] =
    label < 0 ? rest : rest.filter((_, index) => index !== label && index !== label + 1);
  const type = kind && Object.hasOwn(types, kind.text) ? types[kind.text] : undefined;
  if (!kind || !type)
    return at(kind).fail(`the type of ${name.text} must be ${Object.keys(types).join(', ')}`);
  const found = readDomain(domain, type, kind.text === 'files');
  if (typeof found === 'string') return at(domain[0] ?? kind).fail(`${name.text}: ${found}`);
  const declaration = { name: name.text, type, ...(labelText === undefined ? {} : { label: labelText }) };
  return {
    declaration,
    place: name,
    values: found.values,
    ...(found.note ? { note: `${name.text}: ${found.note}` } : {}),
  };
}

type Domain = { values: unknown; note?: string };

function readDomain(words: readonly Token[], type: ParameterType, files: boolean): Domain | string {
  const [first, second, ...rest] = words;
  if (!first) return 'has no values';
  if (first.quoted) return readConstant(words, type);
  if (first.text === 'range' || first.text === 'random') return readInterval(words, type);
  if (first.text === 'default') return readConstant(words.slice(1), type);
  if (first.text !== 'select') return readConstant(words, type);
  if (second?.text !== 'anyof' && second?.text !== 'oneof') return 'must be select anyof or select oneof';
  return readSelection(second.text, rest, type, files);
}

function readConstant(words: readonly Token[], type: ParameterType): Domain | string {
  const [only] = words;
  return only && words.length === 1 ? { values: valueOf(only, type) } : 'must have one value';
}

/** Somebody who chooses is not there, so that what would be chosen without him is taken. */
function readSelection(
  kind: 'anyof' | 'oneof',
  words: readonly Token[],
  type: ParameterType,
  files: boolean,
): Domain | string {
  const end = words.findIndex(({ text, quoted }) => !quoted && text === 'default');
  const offered = end < 0 ? words : words.slice(0, end);
  const preset = end < 0 ? [] : words.slice(end + 1);
  const chosen = preset.length > 0 ? preset : kind === 'anyof' ? offered : offered.slice(0, 1);
  if (chosen.length === 0) return `select ${kind} must have values`;
  if (kind === 'oneof' && chosen.length > 1) return 'select oneof must have one default';
  const left = offered.length - chosen.length;
  const note =
    left > 0
      ? { note: `${chosen.length} of the ${offered.length} values that it offers: the plan's choice` }
      : {};
  if (files) return { values: { matching: chosen.map(({ text }) => text) }, ...note };
  return { values: chosen.map((word) => valueOf(word, type)), ...note };
}

/** `range from A to B ...` or `random from A to B ...`. */
function readInterval(words: readonly Token[], type: ParameterType): Domain | string {
  const [kind, from, a, to, b, how, amount, ...more] = words.map(({ text }) => text);
  const form = `must be ${kind ?? ''} from A to B${kind === 'range' ? ' [step S | points N]' : ' [points N]'}`;
  if (type === 'string') return `${kind ?? ''} is for integer and float`;
  if (from !== 'from' || to !== 'to' || a === undefined || b === undefined || more.length > 0) return form;
  const [first, last] = [Number(a), Number(b)];
  const number = Number(amount);
  if (how !== undefined && (amount === undefined || !['step', 'points'].includes(how))) return form;
  if (kind === 'random') {
    if (how === 'step') return form;
    return { values: { random: [first, last, how === undefined ? 1 : number] } };
  }
  if (how !== 'points') return { values: { range: [first, last, ...(how === undefined ? [] : [number])] } };
  return { values: number === 1 ? first : { linear: [first, last, number] } };
}

/** Words that are no numbers stay text, and are then told to be of the wrong type. */
const valueOf = ({ text }: Token, type: ParameterType) => parameterFromText(type, text);
