import { attribute, childrenNamed } from './reading.js';
import type { XmlElement } from './xml.js';

/** The descriptor's bundles of texts (DSP0243 1.1.0, clause 10): message id to text of the first that has it. */
export function readStrings(envelope: XmlElement): ReadonlyMap<string, string> {
  const strings = new Map<string, string>();
  for (const bundle of envelope.children.filter(({ name }) => name === 'Strings'))
    for (const message of childrenNamed(bundle, 'Msg')) {
      const id = attribute(message, 'msgid');
      if (id !== undefined && !strings.has(id)) strings.set(id, message.text.trim());
    }
  return strings;
}
