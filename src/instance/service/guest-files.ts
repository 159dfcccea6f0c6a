import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { AnswerContent } from '../../channel/http/http-line.js';
import { type FileContent, type MediumEntry, contentSize } from '../../disk/medium-entry.js';

/** A file that a guest may fetch. */
interface GuestFile {
  readonly path: string;
  readonly mode: number;
  readonly content: FileContent;
  readonly sha256: string;
}

/** What would be on the parameter CD, for a guest that fetches it. */
export class GuestFiles {
  readonly #files: readonly GuestFile[];

  /** @param digests of the files that are read from the host, by their paths */
  constructor(entries: readonly MediumEntry[], digests: ReadonlyMap<string, string>) {
    this.#files = entries.flatMap((entry) =>
      entry.kind === 'file' ? [{ mode: 0o644, ...entry, sha256: sumOf(entry, digests) }] : [],
    );
  }

  /** As docs/channels.md, "By network", has it. */
  list(): Buffer {
    const lines = this.#files.map(({ mode, content, sha256, path }) =>
      [mode.toString(8), contentSize(content), sha256, forPrintf(path)].join(' '),
    );
    return Buffer.from(['gva-files 1', ...lines, ''].join('\n'));
  }

  /** @param number of its line, from 1 on */
  byNumber(number: number): AnswerContent | undefined {
    return answerOf(this.#files[number - 1]);
  }

  byPath(path: string): AnswerContent | undefined {
    return answerOf(this.#files.find((file) => file.path === path));
  }
}

type FileEntry = Extract<MediumEntry, { kind: 'file' }>;

function sumOf({ path, content }: FileEntry, digests: ReadonlyMap<string, string>): string {
  if (content instanceof Uint8Array) return createHash('sha256').update(content).digest('hex');
  const digest = digests.get(path);
  if (digest === undefined) throw new TypeError(`no digest of ${path}`);
  return digest;
}

function answerOf(file: GuestFile | undefined): AnswerContent | undefined {
  if (!file) return undefined;
  const { content } = file;
  if (content instanceof Uint8Array) return content;
  const { source, size } = content;
  return { size, pieces: size === 0 ? noPieces() : createReadStream(source, { end: size - 1 }) };
}

async function* noPieces(): AsyncGenerator<Uint8Array> {}

/** As `%b` of printf(1) reads it: POSIX shells have nothing else that gives any byte back. */
function forPrintf(path: string): string {
  const plain = /[A-Za-z0-9._/-]/;
  return [...Buffer.from(path)]
    .map((byte) => {
      const letter = String.fromCharCode(byte);
      return plain.test(letter) ? letter : `\\0${byte.toString(8).padStart(3, '0')}`;
    })
    .join('');
}
