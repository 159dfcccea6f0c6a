import type { ParameterType, ParameterValue } from '../model/parameter.js';
import { parseBoolean } from './descriptor/numbers.js';

/** What a type of OVF means for a parameter. */
export interface PropertyType {
  readonly type: ParameterType;
  /** Where the type is narrower than the integers that GVA can hold. */
  readonly min?: number;
  readonly max?: number;
  readonly password: boolean;
  readonly known: boolean;
}

/** `uint8` to `sint64` are integers with limits, the rest by name (DSP0243 1.1.0, table 6; VMware's `int`, `ip`). */
const TYPES: ReadonlyMap<string, ParameterType> = new Map<string, ParameterType>([
  ['boolean', 'bool'],
  ['bool', 'bool'],
  ['string', 'string'],
  ['password', 'string'],
  ['ip', 'string'],
  ['datetime', 'string'],
  ['int', 'int'],
  ['integer', 'int'],
  ['real', 'float'],
  ['real32', 'float'],
  ['real64', 'float'],
  ['float', 'float'],
]);

/** The type that a text such as `uint16`, `String`, `int(1..9)`, `ip:LAN` names; one not known is a string. */
export function propertyType(text: string): PropertyType {
  const name = /^\s*([a-z0-9]*)/.exec(text.toLowerCase())?.[1] ?? '';
  const integer = /^(u|s)int(8|16|32|64)$/.exec(name);
  if (integer)
    return { type: 'int', password: false, known: true, ...range(integer[1] === 'u', Number(integer[2])) };
  const type = TYPES.get(name);
  return { type: type ?? 'string', password: name === 'password', known: type !== undefined };
}

/** Numbers of 64 bits go beyond what GVA can hold: a declaration without limits holds all that it can. */
function range(unsigned: boolean, bits: number): { min?: number; max?: number } {
  if (bits === 64) return unsigned ? { min: 0 } : {};
  return unsigned ? { min: 0, max: 2 ** bits - 1 } : { min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 };
}

/** The value that a descriptor's text is; undefined where it is none of the type, or GVA cannot hold it. */
export function valueOfText(type: ParameterType, text: string): ParameterValue | undefined {
  if (type === 'string') return text;
  if (type === 'bool') return parseBoolean(text);
  const pattern = type === 'int' ? /^\s*[+-]?\d{1,20}\s*$/ : /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
  if (text.length > 400 || !pattern.test(text)) return undefined;
  const value = Number(text);
  return (type === 'int' ? Number.isSafeInteger(value) : Number.isFinite(value)) ? value : undefined;
}
