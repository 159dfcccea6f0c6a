import type { Appliance } from '../model/appliance.js';
import {
  type ParameterValue,
  type ParameterValues,
  parameterFromText,
  parameterProblem,
} from '../model/parameter.js';
import { GvaError } from '../system/errors.js';

/**
 * The values of all parameters of an appliance: those given, else the defaults, in the order of declaration.
 * All that is wrong with them is one GvaError (PARAMETER).
 */
export function resolveParameters(appliance: Appliance, given: ParameterValues): ParameterValues {
  const problems: string[] = [];
  const names = appliance.parameters.map(({ name }) => name);
  for (const name of Object.keys(given))
    if (!names.includes(name)) problems.push(`${appliance.name} has no parameter ${JSON.stringify(name)}`);
  const values: Record<string, ParameterValue> = {};
  for (const declaration of appliance.parameters) {
    const value = Object.hasOwn(given, declaration.name) ? given[declaration.name] : declaration.default;
    if (value === undefined) {
      problems.push(`parameter ${declaration.name} has no default and was not given`);
      continue;
    }
    const problem = parameterProblem(declaration, value);
    if (problem) problems.push(`parameter ${declaration.name} ${problem}`);
    values[declaration.name] = value;
  }
  if (problems.length > 0)
    throw new GvaError('PARAMETER', problems.join('\n'), {
      hint: names.length > 0 ? `Its parameters: ${describeParameters(appliance)}` : 'It has no parameters.',
    });
  return values;
}

/** `--param NAME=VALUE` words as values of the types that the appliance declares. */
export function parametersFromWords(appliance: Appliance, words: readonly string[]): ParameterValues {
  // Without a prototype: a name such as __proto__ is one like any other, to be refused as unknown.
  const given = Object.create(null) as Record<string, ParameterValue>;
  for (const word of words) {
    const equals = word.indexOf('=');
    if (equals < 1)
      throw new GvaError('PARAMETER', `--param ${JSON.stringify(word)} is not of the form NAME=VALUE`, {
        hint: 'For example: --param n=7',
      });
    const name = word.slice(0, equals);
    if (Object.hasOwn(given, name)) throw new GvaError('PARAMETER', `parameter ${name} is given twice`);
    const type = appliance.parameters.find((declaration) => declaration.name === name)?.type ?? 'string';
    given[name] = parameterFromText(type, word.slice(equals + 1));
  }
  return given;
}

function describeParameters(appliance: Appliance): string {
  return appliance.parameters
    .map(
      ({ name, type, default: value }) =>
        `${name} (${type}${value === undefined ? '' : `, default ${value}`})`,
    )
    .join(', ');
}
