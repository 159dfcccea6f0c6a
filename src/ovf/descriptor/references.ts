import type { EnvelopeFile } from '../../model/envelope.js';
import { parseWhole, safeNumber } from './numbers.js';
import { present } from './present.js';
import {
  type Reading,
  attribute,
  checkChildren,
  childrenNamed,
  requiredAttribute,
  sizeAttribute,
} from './reading.js';
import { quoted } from './text.js';
import type { XmlElement } from './xml.js';

/** The files that a package consists of besides its descriptor (DSP0243 1.1.0, 7.1). */
export function readReferences(reading: Reading, envelope: XmlElement): EnvelopeFile[] {
  const [references] = childrenNamed(envelope, 'References');
  if (references === undefined) {
    reading.problems.warning(envelope, 'the envelope has no References');
    return [];
  }
  checkChildren(reading, references, new Set(['File']));
  const files: EnvelopeFile[] = [];
  const ids = new Set<string>();
  const hrefs = new Set<string>();
  for (const element of childrenNamed(references, 'File')) {
    const file = readFile(reading, element);
    if (file === undefined) continue;
    if (ids.has(file.id)) reading.problems.error(element, `two files have the id ${quoted(file.id)}`);
    if (hrefs.has(file.href)) reading.problems.warning(element, `${quoted(file.href)} is listed twice`);
    ids.add(file.id);
    hrefs.add(file.href);
    files.push(file);
  }
  return files;
}

function readFile(reading: Reading, element: XmlElement): EnvelopeFile | undefined {
  const id = requiredAttribute(reading, element, 'id');
  const href = requiredAttribute(reading, element, 'href');
  const size = sizeAttribute(reading, element, 'size');
  const chunkSize = readChunkSize(reading, element);
  const compression = readCompression(reading, element);
  if (id === undefined || href === undefined) return undefined;
  warnOfPlace(reading, element, href);
  return { id, href, compression, ...present({ size, chunkSize }) };
}

function readCompression(reading: Reading, element: XmlElement): EnvelopeFile['compression'] {
  const text = attribute(element, 'compression')?.trim() ?? '';
  if (text === 'gzip') return 'gzip';
  if (text !== '' && text !== 'identity')
    reading.problems.error(element, `files compressed by ${quoted(text)} cannot be read, only by gzip`);
  return 'identity';
}

function readChunkSize(reading: Reading, element: XmlElement): number | undefined {
  const text = attribute(element, 'chunkSize')?.trim() ?? '';
  if (text === '') return undefined;
  const value = parseWhole(text);
  const size = value === undefined || value === 0n ? undefined : safeNumber(value);
  if (size === undefined)
    reading.problems.error(element, `ovf:chunkSize=${quoted(text)} is no size in bytes`);
  return size;
}

/** Only members of the package are ever read; whether one has this name is known when it is opened. */
function warnOfPlace(reading: Reading, element: XmlElement, href: string): void {
  const outside =
    /^[A-Za-z][A-Za-z0-9+.-]*:/.test(href) || /^[/\\]/.test(href) || href.split(/[/\\]/).includes('..');
  if (outside)
    reading.problems.warning(
      element,
      `${quoted(href)} is outside of the package, and nothing is read from there`,
    );
}
