/** Parameters of an appliance and their values. */
export type ParameterType = 'int' | 'float' | 'string' | 'bool';
export type ParameterValue = number | string | boolean;
/** In the order of declaration, which is the order of the words in the CD's `param` file. */
export type ParameterValues = Readonly<Record<string, ParameterValue>>;

export interface ParameterDeclaration {
  readonly name: string;
  readonly type: ParameterType;
  /** Absent: a value must be given. */
  readonly default?: ParameterValue;
  readonly label?: string;
  readonly min?: number;
  readonly max?: number;
  /** Characters of a string. */
  readonly minLength?: number;
  readonly maxLength?: number;
  /** The only values allowed. */
  readonly values?: readonly ParameterValue[];
}

const shown = (value: ParameterValue) => (typeof value === 'string' ? JSON.stringify(value) : String(value));

/** What is wrong with a value, as the end of a sentence; undefined where nothing is. */
export function parameterProblem(
  declaration: ParameterDeclaration,
  value: ParameterValue,
): string | undefined {
  const { type, min, max, minLength = 0, maxLength = Infinity, values } = declaration;
  if (type === 'int' && !Number.isSafeInteger(value)) return `must be an integer, not ${shown(value)}`;
  if (type === 'float' && !Number.isFinite(value)) return `must be a number, not ${shown(value)}`;
  if (type === 'bool' && typeof value !== 'boolean') return `must be true or false, not ${shown(value)}`;
  if (type === 'string' && typeof value !== 'string') return `must be a string, not ${shown(value)}`;
  if (typeof value === 'string' && value.includes('\0')) return 'must not contain a NUL character';
  if (typeof value === 'number' && min !== undefined && value < min) return `must be at least ${min}`;
  if (typeof value === 'number' && max !== undefined && value > max) return `must be at most ${max}`;
  if (typeof value === 'string' && characters(value) < minLength)
    return `must have at least ${minLength} characters`;
  if (typeof value === 'string' && characters(value) > maxLength)
    return `must have at most ${maxLength} characters`;
  if (values && !values.includes(value)) return `must be one of ${values.join(', ')}`;
  return undefined;
}

/** Code points; JavaScript counts those beyond the basic plane twice. */
const characters = (text: string) => Array.from(text).length;

/** A value typed on a command line or in a table; text that is none of the type is returned as it is. */
export function parameterFromText(type: ParameterType, text: string): ParameterValue {
  if (type === 'string') return text;
  if (type === 'bool') return text === 'true' ? true : text === 'false' ? false : text;
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

/**
 * The value as text, the same on every medium: integers and floats in the shortest form that reads back
 * equal, booleans as true and false.
 */
export function parameterText(value: ParameterValue): string {
  return String(value);
}
