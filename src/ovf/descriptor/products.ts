import type { OvfProperty, ProductSection } from '../../model/envelope.js';
import { present } from './present.js';
import {
  type Reading,
  attribute,
  booleanAttribute,
  checkChildren,
  childrenNamed,
  childText,
  requiredAttribute,
} from './reading.js';
import { quoted, words } from './text.js';
import type { XmlElement } from './xml.js';

const CHILDREN: ReadonlySet<string> = new Set(
  'Info Product Vendor Version FullVersion ProductUrl VendorUrl AppUrl Icon Category Property'.split(' '),
);

/** The product sections of a system or a collection, which hold its parameters (DSP0243 1.1.0, 9.5). */
export function readProducts(reading: Reading, sections: readonly XmlElement[]): ProductSection[] {
  const seen = new Map<string, Set<string>>();
  return sections.map((section) => {
    const product = readProduct(reading, section);
    checkUnique(reading, section, product, seen);
    return product;
  });
}

function readProduct(reading: Reading, section: XmlElement): ProductSection {
  checkChildren(reading, section, CHILDREN);
  const given = (name: string) => nonEmpty(attribute(section, name));
  const text = (name: string) => nonEmpty(childText(reading, section, name));
  const optional = {
    class: given('class'),
    instance: given('instance'),
    product: text('Product'),
    vendor: text('Vendor'),
    version: text('Version') ?? text('FullVersion'),
  };
  const properties = childrenNamed(section, 'Property')
    .map((element) => readProperty(reading, element))
    .filter((property) => property !== undefined);
  return { ...present(optional), properties };
}

function readProperty(reading: Reading, element: XmlElement): OvfProperty | undefined {
  const key = requiredAttribute(reading, element, 'key');
  if (key === undefined) return undefined;
  const type = nonEmpty(attribute(element, 'type'));
  if (type === undefined)
    reading.problems.warning(element, `the property ${quoted(key)} has no type; it is taken for a string`);
  const property: OvfProperty = {
    key,
    type: type ?? 'string',
    userConfigurable: booleanAttribute(element, 'userConfigurable') ?? false,
    password: booleanAttribute(element, 'password') ?? false,
    values: readValues(element),
    configurations: words(attribute(element, 'configuration') ?? ''),
    ...present({
      qualifiers: nonEmpty(attribute(element, 'qualifiers')),
      value: attribute(element, 'value'),
      label: childText(reading, element, 'Label'),
      description: childText(reading, element, 'Description'),
    }),
  };
  reading.origins.set(property, element);
  return property;
}

/** Values for single configurations. */
function readValues(element: XmlElement): Record<string, string> {
  return Object.fromEntries(
    childrenNamed(element, 'Value').flatMap((value) => {
      const text = attribute(value, 'value');
      const configurations = words(attribute(value, 'configuration') ?? '');
      return text === undefined ? [] : configurations.map((configuration) => [configuration, text]);
    }),
  );
}

/**
 * Sections must differ in class or instance, and properties of one section in their keys. Some producers
 * write several sections that have neither class nor instance: that does no harm while their keys differ.
 */
function checkUnique(
  reading: Reading,
  section: XmlElement,
  product: ProductSection,
  seen: Map<string, Set<string>>,
): void {
  const { class: className = '', instance = '' } = product;
  const name = JSON.stringify([className, instance]);
  const keys = seen.get(name);
  if (keys !== undefined)
    reading.problems.fault(
      section,
      className !== '' || instance !== '',
      `two product sections have the class ${quoted(className)} and the instance ${quoted(instance)}`,
    );
  const known = keys ?? new Set();
  for (const property of product.properties) {
    if (known.has(property.key))
      reading.problems.error(
        reading.origins.get(property) ?? section,
        `two properties have the key ${quoted(property.key)}`,
      );
    known.add(property.key);
  }
  seen.set(name, known);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}
