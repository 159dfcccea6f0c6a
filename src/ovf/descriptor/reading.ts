import { parseBoolean, parseWhole, safeNumber } from './numbers.js';
import { VMWARE_NAMESPACE, isOvf, isProducers } from './namespaces.js';
import type { Problems } from './problems.js';
import { quoted } from './text.js';
import type { XmlElement } from './xml.js';

/** What all readers of a descriptor's parts share. */
export interface Reading {
  readonly problems: Problems;
  /** oVirt adds elements everywhere and never says that they are not required; these are passed over. */
  readonly lenient: boolean;
  /** Message id to text, of the first bundle that has it. */
  readonly strings: ReadonlyMap<string, string>;
  /** Where that which was read came from, for problems found later. */
  readonly origins: Map<object, XmlElement>;
}

/** An attribute of OVF; also without the prefix, as some write it. */
export function attribute(element: XmlElement, name: string): string | undefined {
  const named = element.attributes.filter((each) => each.name === name);
  const own = named.find(({ namespace }) => namespace !== '' && isOvf(namespace));
  return (own ?? named.find(({ namespace }) => namespace === ''))?.value;
}

/** An attribute that must be there and not be empty; what is wrong is told. */
export function requiredAttribute(reading: Reading, element: XmlElement, name: string): string | undefined {
  const value = attribute(element, name);
  if (value !== undefined && value.trim() !== '') return value;
  const how = value === undefined ? 'has no' : 'has an empty';
  reading.problems.error(element, `${element.name} ${how} attribute ovf:${name}`);
  return undefined;
}

/** A number of an attribute that may be absent, in bytes; what is wrong is told. */
export function sizeAttribute(reading: Reading, element: XmlElement, name: string): number | undefined {
  const text = attribute(element, name);
  if (text === undefined || text.trim() === '') return undefined;
  const value = parseWhole(text);
  const size = value === undefined ? undefined : safeNumber(value);
  if (value === undefined) reading.problems.error(element, `ovf:${name}=${quoted(text)} is no size in bytes`);
  else if (size === undefined)
    reading.problems.error(element, `ovf:${name}=${quoted(text)} is beyond every file (2^53 bytes and more)`);
  return size;
}

export function booleanAttribute(element: XmlElement, name: string): boolean | undefined {
  return parseBoolean(attribute(element, name) ?? '');
}

/** What is not known must be understood unless it says otherwise (DSP0243 1.1.0, 7.3 and 8.2). */
export function isRequired(element: XmlElement): boolean {
  return booleanAttribute(element, 'required') !== false;
}

export function childrenNamed(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name && isOvf(child.namespace));
}

/** The text of a child in the descriptor's own language, else in the first one it is given in (clause 10). */
export function childText(reading: Reading, element: XmlElement, name: string): string | undefined {
  const child = childrenNamed(element, name)[0];
  return child && textOf(reading, child);
}

export function textOf(reading: Reading, element: XmlElement): string | undefined {
  const text = element.text.trim();
  if (text !== '') return text;
  const id = attribute(element, 'msgid');
  return id === undefined ? undefined : reading.strings.get(id);
}

/** Tells of children that are not known: errors, unless they say that they are not required. */
export function checkChildren(reading: Reading, element: XmlElement, known: ReadonlySet<string>): void {
  for (const child of element.children)
    if (!known.has(child.name) || !isOvf(child.namespace)) reportUnknown(reading, child);
}

/**
 * Tells of an element that is not known. Producers leave `ovf:required` out of additions of their own that
 * are of no use to others, and import these descriptors elsewhere: for them its absence is a warning.
 */
export function reportUnknown(reading: Reading, element: XmlElement, what = element.name): void {
  const said = booleanAttribute(element, 'required');
  const understood = element.namespace === VMWARE_NAMESPACE && UNDERSTOOD.has(element.name);
  if (said === false || understood || (said === undefined && reading.lenient)) return;
  const tolerated = said === undefined && isProducers(element.namespace);
  const unknown = `${quoted(what)} is not known`;
  if (tolerated) reading.problems.warning(element, `${unknown} and was passed over`);
  else if (said === true) reading.problems.error(element, `${unknown}, but required`);
  else reading.problems.error(element, `${unknown}, and without ovf:required="false" it is required`);
}

/** VMware's settings of devices: what matters of them is read. */
const UNDERSTOOD: ReadonlySet<string> = new Set(['Config', 'ExtraConfig', 'CoresPerSocket']);
