/** The last bytes of a console. A guest may write without end; what is kept is bounded. */
export class ConsoleRing {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #size = 0;
  #dropped = 0;

  constructor(limit = 64 << 10) {
    this.#limit = limit;
  }

  append(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    // Joined only when twice too long, so that a flood costs little.
    if (this.#size > 2 * this.#limit) this.#trim();
  }

  /** Bytes that were written before those that are kept. */
  get dropped(): number {
    this.#trim();
    return this.#dropped;
  }

  bytes(): Buffer {
    this.#trim();
    return Buffer.concat(this.#chunks);
  }

  /** The last lines, printable: control characters of a hostile guest do not reach a terminal. */
  lastLines(count: number): string[] {
    const text = this.bytes().toString('utf8').replace(/\r/g, '');
    const lines = text.split('\n').map(printable);
    return lines.filter((line) => line.trim() !== '').slice(-count);
  }

  #trim(): void {
    if (this.#size <= this.#limit) return;
    const all = Buffer.concat(this.#chunks);
    this.#dropped += all.length - this.#limit;
    this.#chunks = [all.subarray(all.length - this.#limit)];
    this.#size = this.#limit;
  }
}

/**
 * The text without escape sequences, control characters, and those that have a terminal show text in another order than
 * it is in, or on another line (Unicode Standard Annex 9, 2; Boucher and Anderson, "Trojan Source", 2021).
 */
export function printable(text: string): string {
  /* eslint-disable no-control-regex -- control characters are what this is about */
  return text
    .replace(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, '')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd')
    .replace(/[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '\ufffd');
  /* eslint-enable no-control-regex */
}
