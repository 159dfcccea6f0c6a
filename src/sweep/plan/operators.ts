import type { ParameterValue } from '../../model/parameter.js';

export type Type = 'number' | 'string' | 'boolean';

export interface Operator {
  readonly type: Type;
  readonly evaluate: (...operands: ParameterValue[]) => ParameterValue;
}

const numeric = (evaluate: (...numbers: number[]) => number): Operator => ({
  type: 'number',
  evaluate: (...operands) => evaluate(...operands.map(Number)),
});
const arithmetic = (evaluate: (a: number, b: number) => number): Operator => ({
  type: 'number',
  evaluate: (a, b) => evaluate(Number(a), Number(b)),
});
const comparison = (evaluate: (a: ParameterValue, b: ParameterValue) => boolean): Operator => ({
  type: 'boolean',
  evaluate: (a = 0, b = 0) => evaluate(a, b),
});

const unary: Record<string, [Type, Operator]> = {
  '-': ['number', numeric((a = 0) => -a)],
  '+': ['number', numeric((a = 0) => a)],
  '!': ['boolean', { type: 'boolean', evaluate: (a) => a !== true }],
};

const numbers: Record<string, Operator> = {
  '+': arithmetic((a, b) => a + b),
  '-': arithmetic((a, b) => a - b),
  '*': arithmetic((a, b) => a * b),
  '/': arithmetic((a, b) => a / b),
  '%': arithmetic((a, b) => a % b),
};

const booleans: Record<string, Operator> = {
  '&&': comparison((a, b) => a === true && b === true),
  '||': comparison((a, b) => a === true || b === true),
};

/** Of numbers, and of strings (by character code, so that dates of ISO 8601 are in order). */
const orders: Record<string, Operator> = {
  '<': comparison((a, b) => a < b),
  '>': comparison((a, b) => a > b),
  '<=': comparison((a, b) => a <= b),
  '>=': comparison((a, b) => a >= b),
};

const equalities: Record<string, Operator> = {
  '==': comparison((a, b) => a === b),
  '===': comparison((a, b) => a === b),
  '!=': comparison((a, b) => a !== b),
  '!==': comparison((a, b) => a !== b),
};

/** All are of numbers; the number of operands that each takes. */
const functions: Record<string, { least: number; most: number; operator: Operator }> = {
  ...Object.fromEntries(
    (
      [
        'abs',
        'ceil',
        'cos',
        'exp',
        'floor',
        'log',
        'log10',
        'log2',
        'round',
        'sign',
        'sin',
        'sqrt',
        'tan',
        'trunc',
      ] as const
    ).map((name) => [name, { least: 1, most: 1, operator: numeric((a = 0) => Math[name](a)) }]),
  ),
  pow: { least: 2, most: 2, operator: arithmetic((a, b) => a ** b) },
  min: { least: 1, most: 100, operator: numeric(Math.min) },
  max: { least: 1, most: 100, operator: numeric(Math.max) },
};

/** Names of the functions, with the type of their results. */
export const functionTypes: ReadonlyMap<string, Type> = new Map(
  Object.keys(functions).map((name) => [name, 'number'] as const),
);

/** The operator or function of that name for operands of these types; undefined where there is none. */
export function operator(name: string, types: readonly Type[]): Operator | undefined {
  const [first, second] = types;
  const call = own(functions, name);
  if (call) {
    const fits =
      types.length >= call.least && types.length <= call.most && types.every((type) => type === 'number');
    return fits ? call.operator : undefined;
  }
  if (types.length === 1) {
    const [type, found] = own(unary, name) ?? [];
    return type === first ? found : undefined;
  }
  if (first !== second) return undefined;
  const tables = [
    equalities,
    ...(first === 'boolean' ? [booleans] : [orders]),
    ...(first === 'number' ? [numbers] : []),
  ];
  for (const table of tables) if (Object.hasOwn(table, name)) return table[name];
  return undefined;
}

const own = <T>(table: Record<string, T>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;
