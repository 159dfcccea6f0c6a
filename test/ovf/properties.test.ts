import { describe, expect, it } from 'vitest';
import { type ParameterDeclaration, parameterProblem } from '../../src/model/parameter.js';
import { parametersOf } from '../../src/ovf/properties.js';
import { parseQualifiers } from '../../src/ovf/qualifiers.js';
import { readDescriptor } from '../../src/ovf/read-descriptor.js';
import { writeDescriptor } from '../../src/ovf/write-descriptor.js';
import { minimal } from './descriptor-samples.js';
import { descriptor, read } from './foreign-fixture.js';

const parametersIn = (properties: string, configuration?: string, section = '') => {
  const system = `<ProductSection ${section}><Info/>${properties}</ProductSection>`;
  return parametersOf(read(descriptor({ system })).systems[0]!, configuration);
};
const property = (attributes: string, children = '') =>
  `<Property ovf:key="k" ovf:userConfigurable="true" ${attributes}>${children}</Property>`;
const one = (attributes: string, children = '') => parametersIn(property(attributes, children)).parameters[0];
const warnings = (attributes: string) =>
  parametersIn(property(attributes)).problems.map(({ message }) => message);

describe('types', () => {
  it.each<[string, object]>([
    ['uint8', { type: 'int', min: 0, max: 255 }],
    ['sint8', { type: 'int', min: -128, max: 127 }],
    ['uint16', { type: 'int', min: 0, max: 65535 }],
    ['sint16', { type: 'int', min: -32768, max: 32767 }],
    ['uint32', { type: 'int', min: 0, max: 2 ** 32 - 1 }],
    ['sint32', { type: 'int', min: -(2 ** 31), max: 2 ** 31 - 1 }],
    ['uint64', { type: 'int', min: 0 }],
    ['sint64', { type: 'int' }],
    ['int', { type: 'int' }],
    ['real32', { type: 'float' }],
    ['real64', { type: 'float' }],
    ['boolean', { type: 'bool' }],
    ['Boolean', { type: 'bool' }],
    ['String', { type: 'string' }],
    ['ip:LAN', { type: 'string' }],
  ])('%s', (type, expected) => {
    const { parameters, problems } = parametersIn(property(`ovf:type="${type}"`));
    expect(problems).toEqual([]);
    expect(parameters).toEqual([{ name: 'k', userConfigurable: true, password: false, ...expected }]);
  });

  it('not known are strings', () => {
    expect(one('ovf:type="colour"')).toMatchObject({ type: 'string' });
    expect(warnings('ovf:type="colour"')).toEqual([
      'the type "colour" is not known; it is taken for a string',
    ]);
  });
});

describe('qualifiers', () => {
  it.each<[string, string, object]>([
    ['string', 'MinLen(1),MaxLen(5)', { minLength: 1, maxLength: 5 }],
    ['string', 'MinLen(1) MaxLen(5)', { minLength: 1, maxLength: 5 }],
    ['string', 'ValueMap{&quot;a&quot;, &quot;b c&quot;}', { values: ['a', 'b c'] }],
    ['string', 'ValueMap{&quot;\\&quot;\\\\&quot;}', { values: ['"\\'] }],
    ['int', 'ValueMap{1, 2,3}', { values: [1, 2, 3] }],
    ['uint16', 'MinValue(5)', { min: 5, max: 65535 }],
    ['uint16', 'MinValue(-5) MaxValue(99999)', { min: 0, max: 65535 }],
    ['real64', 'MinValue(0.5),MaxValue(1e3)', { min: 0.5, max: 1000 }],
    ['string', 'Ip(&quot;LAN&quot;)', {}],
  ])('of a %s: %s', (type, qualifiers, expected) => {
    const attributes = `ovf:type="${type}" ovf:qualifiers="${qualifiers}"`;
    expect(one(attributes)).toMatchObject(expected);
    expect(warnings(attributes)).toEqual([]);
  });

  it('that cannot be read are told', () => {
    const attributes = (qualifiers: string) => `ovf:type="int" ovf:qualifiers="${qualifiers}"`;
    expect(warnings(attributes('MinValue(1'))).toEqual(['the qualifiers "MinValue(1" cannot be read']);
    expect(warnings(attributes('MinValue(x)'))).toEqual(['MinValue(x) is no number']);
    expect(warnings(attributes('ValueMap{1,x}'))).toEqual([
      'a value of its ValueMap is none of its type; the whole list is passed over',
    ]);
  });

  it.each(['(', 'A(B(', '{}', 'A{"x}', '1', 'A(;', 'A()}'])('%j are none', (text) => {
    expect(parseQualifiers(text)).toBeUndefined();
  });

  it('of lengths count characters', () => {
    const parameter = one('ovf:type="string" ovf:qualifiers="MinLen(2),MaxLen(3)"')!;
    expect(parameterProblem(parameter, 'a')).toBe('must have at least 2 characters');
    expect(parameterProblem(parameter, '\u{1f600}\u{1f600}\u{1f600}')).toBeUndefined();
    expect(parameterProblem(parameter, 'abcd')).toBe('must have at most 3 characters');
  });
});

describe('defaults', () => {
  it.each<[string, string, unknown]>([
    ['string', ' x ', ' x '],
    ['string', '', ''],
    ['uint8', '7', 7],
    ['boolean', 'True', true],
    ['boolean', '0', false],
    ['real32', '1.5', 1.5],
    ['int', '', undefined],
    ['boolean', '', undefined],
  ])('of a %s: "%s"', (type, value, expected) => {
    expect(one(`ovf:type="${type}" ovf:value="${value}"`)?.default).toBe(expected);
    expect(warnings(`ovf:type="${type}" ovf:value="${value}"`)).toEqual([]);
  });

  it('that are wrong are passed over with a warning', () => {
    const told = (attributes: string) => [one(attributes)?.default, ...warnings(attributes)];
    expect(told('ovf:type="uint8" ovf:value="256"')).toEqual([
      ...[undefined, 'its default "256" must be at most 255, and is passed over'],
    ]);
    expect(told('ovf:type="uint64" ovf:value="9223372036854775808"')).toEqual([
      ...[undefined, 'its default "9223372036854775808" is none of its type, and is passed over'],
    ]);
    expect(told('ovf:type="string" ovf:qualifiers="MaxLen(2)" ovf:value="abc"')).toEqual([
      ...[undefined, 'its default "abc" must have at most 2 characters, and is passed over'],
    ]);
  });

  it('that are empty and too short must be given', () => {
    const attributes = 'ovf:type="string" ovf:qualifiers="MinLen(5)" ovf:value=""';
    expect(one(attributes)).not.toHaveProperty('default');
    expect(warnings(attributes)).toEqual([]);
  });

  it('are empty where a user may give none and the producer gave none', () => {
    const fixed = (type: string) => parametersIn(`<Property ovf:key="k" ovf:type="${type}"/>`);
    expect(fixed('string').parameters[0]).toMatchObject({ default: '', userConfigurable: false });
    expect(fixed('int').problems.map(({ place, message }) => `${place}: ${message}`)).toEqual([
      'VirtualSystem vm, property k: it has no value, and is not meant to be given one',
    ]);
  });

  it('are those of the configuration', () => {
    const value =
      '<Value ovf:configuration="large" ovf:value="8"/><Value ovf:configuration="__proto__" ovf:value="9"/>';
    const text = property('ovf:type="int" ovf:value="1"', value);
    expect(parametersIn(text).parameters[0]?.default).toBe(1);
    expect(parametersIn(text, 'large').parameters[0]?.default).toBe(8);
    expect(parametersIn(text, 'small').parameters[0]?.default).toBe(1);
    expect(parametersIn(text, '__proto__').parameters[0]?.default).toBe(9);
    const only = property('ovf:type="int" ovf:configuration="large"');
    expect(parametersIn(only, 'small').parameters).toEqual([]);
    expect(parametersIn(only, 'large').parameters).toHaveLength(1);
  });
});

describe('names', () => {
  it('have class and instance, as the guest sees them', () => {
    const name = (section: string) =>
      parametersIn(property('ovf:type="int"'), undefined, section).parameters[0]?.name;
    expect(name('ovf:class="c" ovf:instance="i"')).toBe('c.k.i');
    expect(name('ovf:class="c"')).toBe('c.k');
    expect(name('ovf:instance="i"')).toBe('k.i');
    expect(name('')).toBe('k');
  });

  it('that are there twice count once', () => {
    const dotted = '<Property ovf:key="c.k" ovf:type="int"/>';
    const system = `<ProductSection ovf:class="c"><Info/>${property('ovf:type="string"')}</ProductSection><ProductSection><Info/>${dotted}</ProductSection>`;
    const { parameters, problems } = parametersOf(read(descriptor({ system })).systems[0]!);
    expect(parameters.map(({ name, type }) => [name, type])).toEqual([['c.k', 'string']]);
    expect(problems.map(({ message }) => message)).toEqual([
      'another property has this name; this one is passed over',
    ]);
  });
});

it('what GVA writes comes back', () => {
  const parameters: ParameterDeclaration[] = [
    { name: 'points', type: 'int', default: 800, min: 1, max: 10_000, label: 'Points & more' },
    { name: 'seed', type: 'int' },
    { name: 'size', type: 'int', default: -3, values: [-3, 0, 7] },
    { name: 'ratio', type: 'float', default: 1e-9, min: -1e300, max: 0.1 },
    { name: 'text', type: 'string', default: ' "quoted" \\ <a>\n\ttab ' },
    { name: 'required', type: 'string' },
    { name: 'empty', type: 'string', default: '' },
    { name: 'mode', type: 'string', default: 'a "b", {c}', values: ['a "b", {c}', 'back\\slash', ' '] },
    { name: 'flag', type: 'bool', default: false },
  ];
  const text = writeDescriptor({ ...minimal, appliance: { ...minimal.appliance, parameters } });
  const { systems } = readDescriptor(Buffer.from(text), 'x.ovf');
  const read = parametersOf(systems[0]!);
  expect(read.problems).toEqual([]);
  expect(read.parameters).toHaveLength(parameters.length);
  for (const [index, parameter] of parameters.entries()) {
    expect(read.parameters[index]).toMatchObject(parameter);
    expect('default' in read.parameters[index]!).toBe('default' in parameter);
  }
});
