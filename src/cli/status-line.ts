/** What of a terminal's stream is needed. */
export interface TextStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** Lines for people, with one below them, on a terminal, that is drawn again and again. */
export class StatusLine implements Disposable {
  readonly live: boolean;
  readonly #stream: TextStream;
  #status = '';

  constructor(stream: TextStream) {
    this.#stream = stream;
    this.live = stream.isTTY === true && process.env['TERM'] !== 'dumb';
  }

  /** A line that stays. */
  print(line: string): void {
    const status = this.#status;
    this.#erase();
    this.#stream.write(`${line}\n`);
    this.show(status);
  }

  /** The line that is drawn again; plain text, cut to the width of the terminal. Nothing where there is none. */
  show(text: string): void {
    if (!this.live) return;
    this.#erase();
    this.#status = text.slice(0, (this.#stream.columns ?? 80) - 1);
    if (this.#status !== '') this.#stream.write(this.#status);
  }

  [Symbol.dispose](): void {
    this.#erase();
  }

  #erase(): void {
    // Carriage return, erase the line (ECMA-48, EL).
    if (this.#status !== '') this.#stream.write('\r\x1b[2K');
    this.#status = '';
  }
}
