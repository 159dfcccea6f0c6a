import type { TextStream } from '../status-line.js';

/** Lines at the end of a terminal that are drawn again and again. */
export class LiveBlock {
  readonly #stream: TextStream & { readonly rows?: number | undefined };
  #lines = 0;

  constructor(stream: TextStream & { readonly rows?: number | undefined }) {
    this.#stream = stream;
  }

  /** Plain text; cut to the width of the terminal, and to its height. */
  show(lines: readonly string[]): void {
    const { columns = 80, rows = 24 } = this.#stream;
    const shown = lines.slice(0, Math.max(1, rows - 1)).map((line) => cutLine(line, columns));
    // Cursor up, and erase to the end of the screen (ECMA-48: CUU, ED).
    const home = this.#lines > 0 ? `\x1b[${this.#lines}A\r\x1b[J` : '';
    this.#stream.write(`${home}${shown.join('\n')}\n`);
    this.#lines = shown.length;
  }
}

/** A line that leaves the last column free: a terminal may wrap there. */
export function cutLine(line: string, columns: number): string {
  return line.length < columns ? line : `${line.slice(0, Math.max(0, columns - 2))}…`;
}
