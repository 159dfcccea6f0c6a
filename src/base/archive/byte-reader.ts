/** Reads a stream by numbers of bytes. */
export class ByteReader {
  readonly #pieces: AsyncIterator<Buffer>;
  #rest = Buffer.alloc(0);
  #at = 0;

  constructor(stream: AsyncIterable<Buffer>) {
    this.#pieces = stream[Symbol.asyncIterator]();
  }

  /** Where the next byte is. */
  get offset(): number {
    return this.#at;
  }

  /** Exactly so many bytes; undefined where there are not so many. */
  async read(length: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      const part = await this.some(missing);
      if (!part) return undefined;
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts, length);
  }

  /** At least one byte and at most so many; undefined at the end. */
  async some(most: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#pieces.next();
      if (next.done) return undefined;
      this.#rest = next.value as Buffer<ArrayBuffer>;
    }
    const part = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(part.length);
    this.#at += part.length;
    return part;
  }
}
