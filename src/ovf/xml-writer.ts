import { escapeXml } from './environment.js';

export interface XmlElement {
  readonly name: string;
  readonly attributes: Attributes;
  readonly content: string | readonly XmlElement[];
}

/** In the order in which they are written; what is undefined is left out. */
type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export function element(
  name: string,
  attributes: Attributes = {},
  content: XmlElement['content'] = [],
): XmlElement {
  return { name, attributes, content };
}

/** An element with this text; none where there is no text. */
export function textElement(name: string, text: string | number | undefined): XmlElement[] {
  return text === undefined ? [] : [element(name, {}, String(text))];
}

/** A document in UTF-8, two blanks per level, each line ended. The same element gives the same text. */
export function xmlDocument(root: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${write(root, '')}`;
}

function write({ name, attributes, content }: XmlElement, indent: string): string {
  const words = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${escapeXml(String(value))}"`],
  );
  const start = `${indent}<${name}${words.join('')}`;
  if (content.length === 0) return `${start}/>\n`;
  if (typeof content === 'string') return `${start}>${escapeContent(content)}</${name}>\n`;
  return `${start}>\n${content.map((child) => write(child, `${indent}  `)).join('')}${indent}</${name}>\n`;
}

/** As `escapeXml`, but with line ends and tabs as they are, which a parser leaves alone outside of attributes. */
const escapeContent = (text: string) => escapeXml(text).replaceAll('&#10;', '\n').replaceAll('&#9;', '\t');
