import { closeSync, openSync, readSync } from 'node:fs';
import { TableError, type TableFormat, hasMisplacedQuote } from './cells.js';

const chunkSize = 256 << 10;
/** Bytes of one record. */
const longestRecord = 1 << 20;

/** A record of a table, not yet taken apart. */
export interface RawRecord {
  readonly text: string;
  /** In the file, from 1. */
  readonly line: number;
}

/** Where a record begins. */
export interface Position {
  /** Bytes from the beginning of the file. */
  readonly offset: number;
  readonly line: number;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads the records of a table one after the other; empty lines are none. The file is open only while a piece of it is
 * read, so that a reader may be dropped at any time.
 */
export class RecordReader {
  readonly #path: string;
  readonly #quotes: boolean;
  /** A piece of the file, a character for each byte: places in it are then places in the file. */
  #text = '';
  #at = 0;
  /** Of the byte behind the piece. */
  #offset: number;
  #line: number;
  #ended = false;

  constructor(path: string, format: TableFormat, from: Position = { offset: 0, line: 1 }) {
    this.#path = path;
    this.#quotes = format === 'csv';
    this.#offset = from.offset;
    this.#line = from.line;
  }

  /** Where the next record begins, empty lines before it included. */
  get position(): Position {
    return { offset: this.#offset - this.#text.length + this.#at, line: this.#line };
  }

  /** Goes on from there. */
  seek({ offset, line }: Position): void {
    [this.#text, this.#at, this.#ended] = ['', 0, false];
    [this.#offset, this.#line] = [offset, line];
  }

  /** @throws TableError */
  next(): RawRecord | undefined {
    for (;;) {
      const line = this.#line;
      const text = this.#nextLine();
      if (text === undefined) return undefined;
      if (text === '') continue;
      const goesOn = this.#quotes && oddQuotes(text) && !hasMisplacedQuote(text);
      return { text: decoded(goesOn ? this.#wholeRecord(text, line) : text, line), line };
    }
  }

  /** The record that begins with a line in which a quote is not closed. */
  #wholeRecord(first: string, line: number): string {
    const lines = [first];
    let length = first.length;
    for (let open = true; open;) {
      const more = this.#nextLine();
      length += more?.length ?? 0;
      if (more === undefined || length > longestRecord)
        throw new TableError(line, first.lastIndexOf('"') + 1, 'the quote is not closed');
      lines.push(more);
      open = !oddQuotes(more);
    }
    return lines.join('\n');
  }

  #nextLine(): string | undefined {
    let end = this.#text.indexOf('\n', this.#at);
    while (end < 0 && !this.#ended) {
      const searched = this.#text.length;
      if (searched - this.#at > longestRecord)
        throw new TableError(this.#line, 1, `the line is longer than ${longestRecord} bytes`);
      const dropped = this.#at;
      this.#refill();
      end = this.#text.indexOf('\n', searched - dropped);
    }
    if (end < 0 && this.#at >= this.#text.length) return undefined;
    const stop = end < 0 ? this.#text.length : end;
    const line = this.#text.slice(
      this.#at,
      stop > this.#at && this.#text[stop - 1] === '\r' ? stop - 1 : stop,
    );
    this.#at = end < 0 ? stop : stop + 1;
    this.#line++;
    return line;
  }

  #refill(): void {
    const buffer = Buffer.allocUnsafe(chunkSize);
    const file = openSync(this.#path, 'r');
    let length: number;
    try {
      length = readSync(file, buffer, 0, chunkSize, this.#offset);
    } finally {
      closeSync(file);
    }
    this.#text = this.#text.slice(this.#at) + buffer.toString('latin1', 0, length);
    this.#at = 0;
    if (this.#offset === 0) this.#skipMark();
    this.#offset += length;
    this.#ended = length === 0;
  }

  #skipMark(): void {
    if (this.#text.startsWith('\u00ef\u00bb\u00bf')) this.#at = 3;
    if (/^(?:\u00ff\u00fe|\u00fe\u00ff)/.test(this.#text))
      throw new TableError(1, 1, 'is UTF-16: save it as UTF-8');
  }
}

function oddQuotes(text: string): boolean {
  let odd = false;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) odd = !odd;
  return odd;
}

/** The text of a line of bytes. */
function decoded(bytes: string, line: number): string {
  // Most tables are ASCII.
  if (!/[\u0080-\u00ff]/.test(bytes)) return bytes;
  try {
    return decoder.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    throw new TableError(line, 1, 'is no UTF-8');
  }
}
