import type { OvfProperty, PackageProblem, ProductSection, VirtualSystem } from '../model/envelope.js';
import {
  type ParameterDeclaration,
  type ParameterType,
  type ParameterValue,
  parameterProblem,
} from '../model/parameter.js';
import { present } from './descriptor/present.js';
import { plain, quoted } from './descriptor/text.js';
import { propertyName } from './property-name.js';
import { type PropertyType, propertyType, valueOfText } from './property-type.js';
import { type Qualifier, parseQualifiers } from './qualifiers.js';

/** A parameter that a package declares, with what OVF says beyond GVA's own declarations. */
export interface PropertyParameter extends ParameterDeclaration {
  readonly description?: string;
  /** Where this is false, the value is the producer's alone. */
  readonly userConfigurable: boolean;
  readonly password: boolean;
}

export interface SystemParameters {
  readonly parameters: readonly PropertyParameter[];
  readonly problems: readonly PackageProblem[];
}

type Warn = (message: string) => void;

/**
 * The properties of a virtual system (DSP0243 1.1.0, 9.5) as parameters, named as the guest sees them. What
 * cannot be used of a property is left out with a warning; it never makes a package unusable.
 *
 * @param configuration id; properties and values for other configurations do not count
 */
export function parametersOf(
  system: Pick<VirtualSystem, 'id' | 'products'>,
  configuration?: string,
): SystemParameters {
  const parameters = new Map<string, PropertyParameter>();
  const problems: PackageProblem[] = [];
  for (const product of system.products)
    for (const property of product.properties) {
      const name = propertyName(product, property);
      const place = `VirtualSystem ${plain(system.id, 60)}, property ${plain(name, 60)}`;
      const warn = (message: string) => problems.push({ severity: 'warning', place, message });
      if (!isFor(property, configuration)) continue;
      if (parameters.has(name)) warn('another property has this name; this one is passed over');
      else parameters.set(name, parameterOf(product, property, configuration, warn));
    }
  return { parameters: [...parameters.values()], problems };
}

function isFor({ configurations = [] }: OvfProperty, configuration: string | undefined): boolean {
  return configurations.length === 0 || configurations.some((id) => id === configuration);
}

function parameterOf(
  product: ProductSection,
  property: OvfProperty,
  configuration: string | undefined,
  warn: Warn,
): PropertyParameter {
  const type = propertyType(property.type);
  if (!type.known) warn(`the type ${quoted(property.type)} is not known; it is taken for a string`);
  const declaration = {
    name: propertyName(product, property),
    type: type.type,
    ...present({ label: property.label, description: property.description }),
    ...limitsOf(type, property.qualifiers, warn),
    userConfigurable: property.userConfigurable,
    password: property.password || type.password,
  };
  const value = defaultOf(declaration, valueOf(property, configuration), warn);
  if (value !== undefined) return { ...declaration, default: value };
  if (!property.userConfigurable) warn('it has no value, and is not meant to be given one');
  return declaration;
}

function valueOf({ value, values }: OvfProperty, configuration: string | undefined): string | undefined {
  return configuration !== undefined && Object.hasOwn(values, configuration) ? values[configuration] : value;
}

type Limits = Pick<PropertyParameter, 'min' | 'max' | 'values' | 'minLength' | 'maxLength'>;

/** Qualifiers that mean something to GVA; the rest are VMware's, for addresses of its networks. */
function limitsOf(type: PropertyType, text: string | undefined, warn: Warn): Limits {
  const qualifiers = parseQualifiers(text ?? '');
  if (qualifiers === undefined) warn(`the qualifiers ${quoted(text ?? '')} cannot be read`);
  const named = (name: string) =>
    qualifiers?.find((qualifier) => qualifier.name.toLowerCase() === name.toLowerCase());
  const number = (name: string) => numberOf(named(name), warn);
  const isNumber = type.type === 'int' || type.type === 'float';
  const isString = type.type === 'string';
  return present({
    min: isNumber ? largest(type.min, number('MinValue')) : undefined,
    max: isNumber ? smallest(type.max, number('MaxValue')) : undefined,
    minLength: isString ? number('MinLen') : undefined,
    maxLength: isString ? number('MaxLen') : undefined,
    values: valuesOf(type.type, named('ValueMap'), warn),
  });
}

function numberOf(qualifier: Qualifier | undefined, warn: Warn): number | undefined {
  if (qualifier === undefined) return undefined;
  const [text = ''] = qualifier.values;
  const value = valueOfText('float', text);
  if (typeof value === 'number') return value;
  warn(`${qualifier.name}(${plain(text, 30)}) is no number`);
  return undefined;
}

function valuesOf(
  type: ParameterType,
  qualifier: Qualifier | undefined,
  warn: Warn,
): readonly ParameterValue[] | undefined {
  if (qualifier === undefined || qualifier.values.length === 0) return undefined;
  const values = qualifier.values.map((text) => valueOfText(type, text));
  if (values.every((value) => value !== undefined)) return values;
  warn('a value of its ValueMap is none of its type; the whole list is passed over');
  return undefined;
}

function largest(...numbers: (number | undefined)[]): number | undefined {
  const given = numbers.filter((number) => number !== undefined);
  return given.length === 0 ? undefined : Math.max(...given);
}

function smallest(...numbers: (number | undefined)[]): number | undefined {
  const given = numbers.filter((number) => number !== undefined);
  return given.length === 0 ? undefined : Math.min(...given);
}

/**
 * The default. An empty text where that is not allowed means that a value must be given: producers write it
 * so. Where the attribute is missing the schema makes the text empty; GVA leaves it out of parameters that
 * must be given, so it means the same where a user may give one.
 */
function defaultOf(
  declaration: Omit<PropertyParameter, 'default'>,
  text: string | undefined,
  warn: Warn,
): ParameterValue | undefined {
  if (text === undefined && declaration.userConfigurable) return undefined;
  const value = valueOfText(declaration.type, text ?? '');
  const problem = value === undefined ? `is none of its type` : parameterProblem(declaration, value);
  if (problem === undefined) return value;
  if ((text ?? '').trim() !== '') warn(`its default ${quoted(text ?? '')} ${problem}, and is passed over`);
  return undefined;
}
