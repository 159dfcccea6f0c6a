import {
  ParseOption,
  XmlCData,
  XmlDocument,
  XmlElement as LibraryElement,
  XmlParseError,
  XmlText,
  type ErrorDetail,
  type ParseOptions,
} from 'libxml2-wasm';
import { GvaError } from '../../system/errors.js';
import { plain } from './text.js';

/** An element as the readers see it: names without prefixes, text without entities. */
export interface XmlElement {
  readonly name: string;
  /** URI; empty where there is none. */
  readonly namespace: string;
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlElement[];
  /** Of the element itself, without that of its children. */
  readonly text: string;
  /** Absent where the parser lost count. */
  readonly line?: number;
  readonly parent?: XmlElement;
}

export interface XmlAttribute {
  readonly name: string;
  readonly namespace: string;
  readonly value: string;
}

export interface XmlTree {
  readonly root: XmlElement;
  /** What breaks Namespaces in XML 1.0, but leaves the document readable. */
  readonly complaints: readonly Complaint[];
}

interface Complaint {
  readonly line: number;
  readonly message: string;
}

/** Elements and attributes; the largest descriptors known have some thousands. */
const MAX_NODES = 100_000;
/** libxml2 keeps the line of an element in 16 bits. */
const LAST_LINE = 0xfffe;
/** `xmlErrorLevel` of libxml2: 1 warning, 2 error, 3 fatal. */
const RECOVERABLE = 2;

/** No network, no external entities, no catalogues; a document type declaration is refused afterwards. */
const OPTIONS = (ParseOption.XML_PARSE_NONET |
  ParseOption.XML_PARSE_NO_XXE |
  ParseOption.XML_PARSE_NO_SYS_CATALOG) as ParseOption;
const SILENT = (OPTIONS | ParseOption.XML_PARSE_NOERROR) as ParseOption;

/**
 * Parses an XML document made by a stranger. Nothing but `bytes` is ever read.
 *
 * @param name what messages call the document
 * @throws GvaError OVF_DESCRIPTOR, with line and column where they are known
 */
export function parseXml(bytes: Uint8Array, name: string): XmlTree {
  refuseTooMany(bytes, name);
  const { document, complaints } = parseTolerantly(bytes, name);
  try {
    if (document.dtd !== null) throw refusal(`${name} has a document type declaration, which no OVF needs`);
    return { root: new Copier(name).copy(document.root, undefined), complaints };
  } finally {
    document.dispose();
  }
}

/** Counts what may begin an element before the parser makes a node of each. */
function refuseTooMany(bytes: Uint8Array, name: string): void {
  let count = 0;
  for (let at = bytes.indexOf(LESS_THAN); at >= 0; at = bytes.indexOf(LESS_THAN, at + 1)) {
    count += 1;
    if (count > 2 * MAX_NODES) throw tooMany(name);
  }
}
const LESS_THAN = 0x3c;

interface Parsed {
  readonly document: XmlDocument;
  readonly complaints: readonly Complaint[];
}

/** XenCenter writes UTF-8 and says that it is UTF-16: what can be read without decoding is not. */
function parseTolerantly(bytes: Uint8Array, name: string): Parsed {
  const start = Buffer.from(bytes.subarray(0, 200)).toString('latin1');
  if (!/^<\?xml[^>]*\sencoding\s*=\s*["']utf-16/i.test(start)) return parseNamespaces(bytes, name, {});
  const { document, complaints } = parseNamespaces(bytes, name, { encoding: 'UTF-8' });
  const message = 'it says that it is UTF-16, but is not; it is read as UTF-8';
  return { document, complaints: [{ line: 1, message }, ...complaints] };
}

/**
 * Errors of namespaces leave a document well-formed (XML 1.0), and other programs read such descriptors. The
 * library throws them; so they are noted, and the document is parsed again with reports of errors switched
 * off. It still throws then where there is no document.
 */
function parseNamespaces(bytes: Uint8Array, name: string, options: Pick<ParseOptions, 'encoding'>): Parsed {
  try {
    return { document: XmlDocument.fromBuffer(bytes, { ...options, option: OPTIONS }), complaints: [] };
  } catch (error) {
    if (!(error instanceof XmlParseError)) throw error;
    const fatal = error.details.find(({ level }) => level > RECOVERABLE);
    if (fatal !== undefined || error.details.length === 0) throw notXml(name, fatal);
    const complaints = error.details
      .slice(0, 3)
      .map(({ line, message }) => ({ line, message: plain(message.trim(), 200) }));
    return { document: XmlDocument.fromBuffer(bytes, { ...options, option: SILENT }), complaints };
  }
}

/** Copies the parser's tree into plain objects, so that the document can be freed at once. */
class Copier {
  readonly #name: string;
  #nodes = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** The parser's own limit of 256 levels bounds the recursion. */
  copy(source: LibraryElement, parent: XmlElement | undefined): XmlElement {
    const { line } = source;
    const children: XmlElement[] = [];
    const element = {
      ...splitName(source.name),
      namespace: source.namespaceUri,
      attributes: this.#attributes(source),
      children,
      text: '',
      ...(line > 0 && line <= LAST_LINE && { line }),
      ...(parent && { parent }),
    };
    for (let node = source.firstChild; node !== null; node = node.next) {
      if (node instanceof LibraryElement) children.push(this.copy(node, element));
      else if (node instanceof XmlText || node instanceof XmlCData) element.text += node.content;
    }
    return element;
  }

  #attributes(source: LibraryElement): XmlAttribute[] {
    const attributes = source.attrs.map((attribute) => ({
      ...splitName(attribute.name),
      namespace: attribute.namespaceUri,
      value: attribute.value,
    }));
    this.#nodes += 1 + attributes.length;
    if (this.#nodes > MAX_NODES) throw tooMany(this.#name);
    return attributes;
  }
}

/** A prefix that is not declared is left in the name by the parser. */
function splitName(name: string): { name: string } {
  return { name: name.slice(name.lastIndexOf(':') + 1) };
}

function notXml(name: string, detail: ErrorDetail | undefined): GvaError {
  if (detail === undefined) return refusal(`${name} is no XML document`);
  const { line, col, message } = detail;
  return refusal(`${name}:${line}:${col}: no well-formed XML: ${plain(message.trim(), 200)}`);
}

function tooMany(name: string): GvaError {
  return refusal(`${name} has more than ${MAX_NODES} elements and attributes`);
}

/** Why a document cannot be read at all. */
export function refusal(message: string): GvaError {
  return new GvaError('OVF_DESCRIPTOR', message);
}
