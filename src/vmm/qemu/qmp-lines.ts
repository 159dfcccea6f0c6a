/** QEMU's longest answer (query-qmp-schema) has a quarter of a megabyte. */
const maxLine = 16 << 20;

/** Cuts a byte stream into lines, wherever its chunks begin and end; characters of several bytes stay whole. */
export class QmpLines {
  readonly #limit: number;
  /** Latin-1: one character is one byte. */
  #rest = '';

  /** @param limit bytes of a line */
  constructor(limit = maxLine) {
    this.#limit = limit;
  }

  /**
   * The lines that this chunk ends, without their ends; empty ones are left out.
   *
   * @throws RangeError for a line, complete or not, that is longer than the limit
   */
  push(chunk: Uint8Array): string[] {
    const [first = '', ...others] = Buffer.from(chunk).toString('latin1').split('\n');
    const lines = [this.#rest + first, ...others];
    if (lines.some((line) => line.length > this.#limit))
      throw new RangeError(`a line of more than ${this.#limit} bytes`);
    this.#rest = lines.pop() ?? '';
    return lines.map(decoded).filter((line) => line !== '');
  }
}

const decoded = (line: string) => Buffer.from(line, 'latin1').toString('utf8').trim();
