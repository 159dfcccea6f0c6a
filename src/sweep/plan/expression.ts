import jsep from 'jsep';
import type { ParameterValue } from '../../model/parameter.js';
import { GvaError, messageOf } from '../../system/errors.js';
import { type Type, functionTypes, operator } from './operators.js';

/** Something an expression may name: its type, and its value in the case at hand. */
export interface Variable<T> {
  readonly type: Type;
  readonly read: (context: T) => ParameterValue;
}

type Compiled<T> = Variable<T>;

/** Longest expression, in characters. */
const longest = 1000;

// `mode in ["fast", "exact"]`, with the precedence of comparisons.
jsep.addBinaryOp('in', 7);

/**
 * A condition over variables: numbers, strings, `true`, `false`, `+ - * / %`, comparisons, `&& || !`, `a ? b : c`,
 * `x in [1, 2]`, and a few functions. Types are checked here; nothing of JavaScript's own objects can be reached.
 *
 * @throws GvaError EXPRESSION; its message is the end of a sentence
 */
export function compileCondition<T>(
  text: string,
  variables: ReadonlyMap<string, Variable<T>>,
): (context: T) => boolean {
  const { type, read } = compile(parse(text), variables);
  if (type !== 'boolean') throw wrong(`is a ${type}, not a condition: compare it with something`);
  return (context) => read(context) === true;
}

/**
 * The same for a number.
 *
 * @throws GvaError EXPRESSION; its message is the end of a sentence
 */
export function compileNumber<T>(
  text: string,
  variables: ReadonlyMap<string, Variable<T>>,
): (context: T) => number {
  const { type, read } = compile(parse(text), variables);
  if (type !== 'number') throw wrong(`is a ${type}, not a number: make one with ... ? 0 : 1`);
  return (context) => Number(read(context));
}

function parse(text: string): jsep.CoreExpression {
  if (text.length > longest) throw wrong(`is longer than ${longest} characters`);
  try {
    return jsep(text) as jsep.CoreExpression;
  } catch (error) {
    const message = messageOf(error);
    const hint = message.includes('Unexpected "="') ? ' (to compare, write ==)' : '';
    throw wrong(`cannot be read: ${message}${hint}`, error);
  }
}

const wrong = (message: string, cause?: unknown) =>
  new GvaError('EXPRESSION', message, cause === undefined ? {} : { cause });

function compile<T>(node: jsep.Expression, variables: ReadonlyMap<string, Variable<T>>): Compiled<T> {
  const core = node as jsep.CoreExpression;
  const inner = (each: jsep.Expression) => compile(each, variables);
  switch (core.type) {
    case 'Literal':
      return literal(core);
    case 'Identifier':
      return named(core.name, variables);
    case 'UnaryExpression':
      return apply(core.operator, [inner(core.argument)]);
    case 'BinaryExpression':
      if (core.operator === 'in') return membership(inner(core.left), core.right, inner);
      return apply(core.operator, [inner(core.left), inner(core.right)]);
    case 'ConditionalExpression':
      return conditional(inner(core.test), inner(core.consequent), inner(core.alternate));
    case 'CallExpression':
      return call(core, inner);
    case 'Compound':
      throw wrong(core.body.length === 0 ? 'is empty' : 'has something behind its end');
    case 'ArrayExpression':
      throw wrong('has a list where a value must be: lists stand behind "in"');
    case 'MemberExpression':
    case 'ThisExpression':
    case 'SequenceExpression':
      throw wrong('has something other than values, parameters, operators and functions in it');
    default:
      throw wrong('cannot be read');
  }
}

function literal<T>({ value }: jsep.Literal): Compiled<T> {
  const type = typeof value;
  if (type !== 'number' && type !== 'string' && type !== 'boolean') throw wrong(`has ${String(value)} in it`);
  return { type, read: () => value as ParameterValue };
}

function named<T>(name: string, variables: ReadonlyMap<string, Variable<T>>): Compiled<T> {
  const variable = variables.get(name);
  if (variable) return variable;
  if (functionTypes.has(name)) throw wrong(`names the function ${name} without (...)`);
  const known = [...variables.keys()].join(', ');
  throw wrong(`names ${name}, which is not known here; known: ${known === '' ? 'nothing' : known}`);
}

function call<T>(core: jsep.CallExpression, inner: (node: jsep.Expression) => Compiled<T>): Compiled<T> {
  const { callee } = core;
  const name = callee.type === 'Identifier' ? (callee as jsep.Identifier).name : '';
  const type = functionTypes.get(name);
  if (!type)
    throw wrong(
      `calls ${name === '' ? 'something' : name}; functions: ${[...functionTypes.keys()].join(', ')}`,
    );
  return apply(name, core.arguments.map(inner));
}

/** Finds the function for operands of these types. */
function apply<T>(name: string, operands: readonly Compiled<T>[]): Compiled<T> {
  const types = operands.map(({ type }) => type);
  const found = operator(name, types);
  if (!found) throw wrong(`has ${name} with ${types.length === 0 ? 'nothing' : types.join(' and ')}`);
  const { type, evaluate } = found;
  const reads = operands.map(({ read }) => read);
  const [first, second] = reads;
  if (first && reads.length === 1) return { type, read: (context) => evaluate(first(context)) };
  // && and || need not look at their second operand, but may: an expression has no effects.
  if (first && second && reads.length === 2)
    return { type, read: (context) => evaluate(first(context), second(context)) };
  return { type, read: (context) => evaluate(...reads.map((read) => read(context))) };
}

function conditional<T>(test: Compiled<T>, yes: Compiled<T>, no: Compiled<T>): Compiled<T> {
  if (test.type !== 'boolean') throw wrong(`has a ${test.type} before "?", where a condition must be`);
  if (yes.type !== no.type) throw wrong(`has a ${yes.type} and a ${no.type} on the two sides of ":"`);
  return { type: yes.type, read: (context) => (test.read(context) === true ? yes : no).read(context) };
}

function membership<T>(
  item: Compiled<T>,
  list: jsep.Expression,
  inner: (node: jsep.Expression) => Compiled<T>,
): Compiled<T> {
  const core = list as jsep.CoreExpression;
  if (core.type !== 'ArrayExpression') throw wrong('has no list behind "in": x in [1, 2]');
  const members = core.elements.map((element) => {
    const member = element === null ? undefined : inner(element);
    if (member?.type !== item.type)
      throw wrong(`looks for a ${item.type} in a list that has something else in it`);
    return member.read;
  });
  return {
    type: 'boolean',
    read: (context) => {
      const value = item.read(context);
      return members.some((member) => member(context) === value);
    },
  };
}
