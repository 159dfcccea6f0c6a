/** Something in an image that is not as it should be, and what was done instead is told by its code. */
export interface Finding {
  code: string;
  /** Path below the directory that is read, without a leading slash; names as by `printable`. Empty: all of it. */
  path: string;
  message: string;
}

/** How a reader tells of a finding in the object at hand; who calls the reader knows its path. */
export type Report = (code: string, message: string) => void;

/** A list of findings that a hostile image cannot make grow without bound: the first are kept, all are counted. */
export class Findings {
  readonly list: Finding[] = [];
  /** All findings, kept or not. */
  total = 0;
  /** Nothing is missing, refused, or other than on the medium: there are notices at most. */
  complete = true;
  /** Something is missing that is on the medium in good order: a limit was reached, or this host cannot store it. */
  truncated = false;
  readonly #limit: number;

  constructor(limit = 1000) {
    this.#limit = limit;
  }

  /** The path is asked for only where it is kept: building it costs more than all the rest. */
  add(code: string, path: () => string, message: string): void {
    this.total += 1;
    if (!NOTICES.has(code)) this.complete = false;
    if (isLimit(code)) this.truncated = true;
    if (this.list.length < this.#limit) this.list.push({ code, path: path(), message });
  }
}

/** Findings after which everything is there all the same, with the contents that the medium has. */
const NOTICES: ReadonlySet<string> = new Set([
  ...['NAME_ENCODING', 'MODE_STRIPPED', 'HARD_LINK'],
  ...['EXT4_UNCLEAN', 'EXT4_ERRORS', 'EXT4_CHECKSUM', 'EXT4_DELETED', 'FAT_UNCLEAN'],
]);

/** Findings after which something is missing that another host, or one with more patience, could take. */
const LIMITS: ReadonlySet<string> = new Set([
  ...['LIMIT_BYTES', 'LIMIT_FILES', 'LIMIT_TIME', 'LIMIT_DEPTH'],
  ...['FILE_SIZE', 'HOST_WRITE', 'NAME_HOST'],
]);

export const isLimit = (code: string): boolean => LIMITS.has(code);

/** Bytes chosen by a guest as text that is safe on a terminal and in a report: printable UTF-8, else \xNN. */
export function printable(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(bytes)) return escapeBytes(bytes);
  return text.replace(UNPRINTABLE, (character) => escapeBytes(Buffer.from(character, 'utf8')));
}

/** The bytes that `printable` shows as this text; \xNN may stand for any byte. */
export function bytesOfPrintable(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const unescaped = bytes.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(unescaped, 'latin1');
}

/** A printable path, in which a slash within a name cannot be taken for one between names. */
export function printableName(name: Buffer): string {
  return printable(name).replaceAll('/', '\\x2f');
}

/** Control and format characters (among them the bidirectional overrides), line separators, and the escape itself. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/gu;

function escapeBytes(bytes: Buffer): string {
  let text = '';
  for (const byte of bytes) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
    text += plain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return text;
}
