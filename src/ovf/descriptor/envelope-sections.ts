import type { DeploymentConfiguration, Envelope } from '../../model/envelope.js';
import {
  type Reading,
  booleanAttribute,
  checkChildren,
  childrenNamed,
  childText,
  requiredAttribute,
} from './reading.js';
import { quoted } from './text.js';
import type { XmlElement } from './xml.js';

/** The logical networks (DSP0243 1.1.0, 9.2). */
export function readNetworks(reading: Reading, section: XmlElement): Envelope['networks'] {
  checkChildren(reading, section, new Set(['Info', 'Network']));
  const names = new Set<string>();
  return childrenNamed(section, 'Network').flatMap((element) => {
    const name = requiredAttribute(reading, element, 'name');
    if (name === undefined) return [];
    if (names.has(name)) reading.problems.error(element, `two networks have the name ${quoted(name)}`);
    names.add(name);
    const description = childText(reading, element, 'Description');
    return [{ name, ...(description !== undefined && { description }) }];
  });
}

/** The configurations that a package may be deployed in; where none is the default, the first is (9.8). */
export function readConfigurations(reading: Reading, section: XmlElement): DeploymentConfiguration[] {
  checkChildren(reading, section, new Set(['Info', 'Configuration']));
  const elements = childrenNamed(section, 'Configuration');
  const marked = elements.filter((element) => booleanAttribute(element, 'default') === true);
  for (const second of marked.slice(1))
    reading.problems.warning(second, 'a second configuration is the default');
  const chosen = marked[0] ?? elements[0];
  const ids = new Set<string>();
  return elements.flatMap((element) => {
    const id = requiredAttribute(reading, element, 'id');
    if (id === undefined) return [];
    if (ids.has(id)) reading.problems.error(element, `two configurations have the id ${quoted(id)}`);
    ids.add(id);
    const label = childText(reading, element, 'Label') ?? id;
    const description = childText(reading, element, 'Description');
    return [{ id, label, isDefault: element === chosen, ...(description !== undefined && { description }) }];
  });
}
