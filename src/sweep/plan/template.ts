import { type ParameterDeclaration, type ParameterValue, parameterText } from '../../model/parameter.js';
import { GvaError } from '../../system/errors.js';

/** What stands for a text that differs from point to point. */
type Part =
  | string
  | { readonly kind: 'index' | 'number' | 'parameter'; readonly parameter: number; readonly format: Format };
type Format = { readonly kind: 'plain' } | { readonly kind: 'padded' | 'fixed'; readonly digits: number };

/** A text with `{index}`, `{number}` and `{PARAMETER}` in it. */
export class Template {
  readonly #parts: readonly Part[];

  /** @throws GvaError TEMPLATE where a brace has no meaning; the message is the end of a sentence */
  constructor(text: string, parameters: readonly ParameterDeclaration[]) {
    // A doubled brace is a brace.
    const pieces = text.match(/\{\{|\}\}|\{[^{}]*\}|[{}]|[^{}]+/g) ?? [];
    this.#parts = pieces.map((piece) => partOf(piece, parameters));
  }

  /** The same for all points. */
  get constant(): boolean {
    return this.#parts.every((part) => typeof part === 'string');
  }

  /** Differs from point to point even where their values do not. */
  get byIndex(): boolean {
    return this.#parts.some((part) => typeof part !== 'string' && part.kind !== 'parameter');
  }

  /** @param index of the point, from 0 */
  expand(values: readonly ParameterValue[], index: number): string {
    return this.#parts
      .map((part) => (typeof part === 'string' ? part : textOf(part, values, index)))
      .join('');
  }

  /** Numbers of the parameters in it. */
  get parameters(): number[] {
    return this.#parts.flatMap((part) =>
      typeof part !== 'string' && part.kind === 'parameter' ? [part.parameter] : [],
    );
  }
}

function partOf(piece: string, parameters: readonly ParameterDeclaration[]): Part {
  if (piece === '{{' || piece === '}}') return piece.charAt(0);
  if (piece === '{' || piece === '}') throw templateError(`has a lone "${piece}" in it: write it twice`);
  if (!piece.startsWith('{')) return piece;
  const [, name = '', form] = /^\{([^:]*)(?::(.*))?\}$/s.exec(piece) ?? [];
  if (name === 'index' || name === 'number')
    return { kind: name, parameter: -1, format: formatOf(piece, form, 'int') };
  const parameter = parameters.findIndex((declared) => declared.name === name);
  const type = parameters[parameter]?.type;
  if (type === undefined)
    throw templateError(
      `has ${piece} in it: there is {index}, {number}${parameters.map((each) => `, {${each.name}}`).join('')}; ` +
        'a brace that stands for itself is written twice',
    );
  return { kind: 'parameter', parameter, format: formatOf(piece, form, type) };
}

function formatOf(piece: string, form: string | undefined, type: ParameterDeclaration['type']): Format {
  if (form === undefined) return { kind: 'plain' };
  const padded = /^0?([1-9]\d?)d$/.exec(form);
  if (padded && type === 'int') return { kind: 'padded', digits: Number(padded[1]) };
  const fixed = /^\.(\d{1,2})f$/.exec(form);
  if (fixed && (type === 'int' || type === 'float')) return { kind: 'fixed', digits: Number(fixed[1]) };
  throw templateError(`has ${piece} in it: forms are {n:05d} for integers and {x:.2f} for numbers`);
}

const templateError = (message: string) => new GvaError('TEMPLATE', message);

function textOf(part: Exclude<Part, string>, values: readonly ParameterValue[], index: number): string {
  const value =
    part.kind === 'parameter' ? values[part.parameter] : part.kind === 'index' ? index : index + 1;
  const { format } = part;
  if (format.kind === 'fixed') return Number(value).toFixed(format.digits);
  const text = parameterText(value ?? '');
  if (format.kind === 'plain') return text;
  return text.startsWith('-')
    ? `-${text.slice(1).padStart(format.digits - 1, '0')}`
    : text.padStart(format.digits, '0');
}
