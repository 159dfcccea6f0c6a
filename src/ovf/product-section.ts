import { type ParameterDeclaration, type ParameterType, parameterText } from '../model/parameter.js';
import type { DescriptorSpec } from './descriptor-spec.js';
import { type XmlElement, element, textElement } from './xml-writer.js';

/** Types of properties (DSP0243 1.1.0, table 6) that hold every value of a parameter. */
const propertyTypes: Readonly<Record<ParameterType, string>> = {
  int: 'sint64',
  float: 'real64',
  string: 'string',
  bool: 'boolean',
};

/**
 * ProductSection (DSP0243 1.1.0, 9.5) with the parameters as properties. It has no class and no instance: a guest
 * then sees the keys as they are.
 */
export function productSection({ appliance, digest }: DescriptorSpec): XmlElement {
  const { name, version, vendor, url, parameters } = appliance;
  return element('ProductSection', {}, [
    ...textElement('Info', 'The application and its parameters'),
    ...textElement('Product', name),
    ...textElement('Vendor', vendor),
    ...textElement('Version', version),
    ...textElement('FullVersion', `${version}+${digest.slice(0, 12)}`),
    ...textElement('ProductUrl', url),
    ...parameters.map(property),
  ]);
}

function property(parameter: ParameterDeclaration): XmlElement {
  const { name, type, default: value, label } = parameter;
  return element(
    'Property',
    {
      'ovf:key': name,
      'ovf:type': propertyTypes[type],
      'ovf:qualifiers': qualifiers(parameter),
      'ovf:userConfigurable': true,
      'ovf:value': value === undefined ? undefined : parameterText(value),
    },
    [...textElement('Label', label), ...textElement('Description', description(parameter))],
  );
}

/**
 * What is allowed, in the notation of CIM qualifiers (DSP0243 1.1.0, table 7; strings as in DSP0004, with `\"` and
 * `\\`). There is none for the values of a boolean.
 */
function qualifiers({ type, min, max, values }: ParameterDeclaration): string | undefined {
  if (type === 'bool') return undefined;
  const numeric = isNumber(type);
  const list = values?.map((value) =>
    numeric ? parameterText(value) : `"${parameterText(value).replace(/["\\]/g, '\\$&')}"`,
  );
  const all = [
    ...(numeric && min !== undefined ? [`MinValue(${min})`] : []),
    ...(numeric && max !== undefined ? [`MaxValue(${max})`] : []),
    ...(list ? [`ValueMap{${list.join(',')}}`] : []),
  ];
  return all.length === 0 ? undefined : all.join(',');
}

const isNumber = (type: ParameterType) => type === 'int' || type === 'float';

/** For people: programs that import packages show no qualifiers. */
function description({ type, default: value, min, max }: ParameterDeclaration): string {
  const kind = { int: 'An integer', float: 'A number', string: 'Text', bool: 'true or false' }[type];
  const limits = [
    ...(min === undefined || !isNumber(type) ? [] : [`at least ${min}`]),
    ...(max === undefined || !isNumber(type) ? [] : [`at most ${max}`]),
  ];
  return [kind, ...limits, ...(value === undefined ? ['must be given'] : [])].join(', ');
}
