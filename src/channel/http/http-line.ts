import type { Duplex } from 'node:stream';

/** The head of a request (RFC 9112), as far as we need it. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** By name in small letters; of several of a name the last. */
  readonly headers: ReadonlyMap<string, string>;
}

/** The content of an answer: given, or what a reader has, which must be as long as it says. */
export type AnswerContent =
  Uint8Array | { readonly size: number; readonly pieces: AsyncIterable<Uint8Array> };

/** Bytes of a head, at most. */
const longestHead = 8 << 10;

/**
 * Requests that come one after the other on one line, on which nobody says when a connection begins or ends: QEMU gives all
 * that a guest sends to one address of its network. Who asks anew has given up what it had asked before. No more than a head
 * and what a stream holds is kept of what a guest sends.
 */
export class HttpLine {
  readonly #port: Duplex;
  readonly #patience: number;
  #rest: Buffer = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => undefined;

  /**
   * @param port nobody else reads it from now on
   * @param patience milliseconds in which more of what was begun must come
   */
  constructor(port: Duplex, patience: number) {
    [this.#port, this.#patience] = [port, patience];
    const wake = () => this.#wake();
    for (const event of ['readable', 'drain']) port.on(event, wake);
    for (const event of ['end', 'close', 'error'])
      port.on(event, () => {
        this.#ended = true;
        wake();
      });
  }

  /** The next request; `malformed` where what comes is none, undefined where the line has ended. */
  async request(): Promise<HttpRequest | 'malformed' | undefined> {
    let head = Buffer.alloc(0);
    for (;;) {
      const end = head.indexOf('\r\n\r\n');
      if (end >= 0 && end <= longestHead) {
        this.#rest = head.subarray(end + 4);
        return parseHead(head.toString('latin1', 0, end)) ?? 'malformed';
      }
      const more = head.length > longestHead ? undefined : await this.#next(head.length > 0);
      if (more) head = Buffer.concat([head, more]);
      else return this.#ended ? undefined : 'malformed';
    }
  }

  /**
   * So many bytes of what follows a request, piece by piece.
   *
   * @throws Error where no more comes
   */
  async *content(size: number): AsyncGenerator<Buffer> {
    for (let left = size; left > 0;) {
      const piece = await this.#next(true);
      if (!piece) throw new Error('the content of the request has stopped');
      const part = piece.subarray(0, left);
      this.#rest = piece.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  /** Forgets what has come and was not read. */
  drop(): void {
    this.#rest = Buffer.alloc(0);
    while (this.#port.read() !== null);
  }

  /** Says it, up to its end or to the next request. @throws what the reader of the content throws */
  async answer(status: number, content: AnswerContent): Promise<void> {
    const given = content instanceof Uint8Array;
    const head = [
      `HTTP/1.1 ${status} ${reasons[status] ?? 'Error'}`,
      `Content-Length: ${given ? content.length : content.size}`,
      'Content-Type: application/octet-stream',
      'Connection: close',
    ];
    if (!(await this.#write(Buffer.from(`${head.join('\r\n')}\r\n\r\n`)))) return;
    for await (const piece of given ? [content] : content.pieces) if (!(await this.#write(piece))) return;
  }

  /** False where no more is to be said. */
  async #write(bytes: Uint8Array): Promise<boolean> {
    if (this.#isOver()) return false;
    this.#port.write(bytes);
    while (this.#port.writableNeedDrain && !this.#isOver()) await this.#change();
    return !this.#isOver();
  }

  /** The line has ended, or the guest asks anew. */
  #isOver(): boolean {
    return this.#ended || this.#port.destroyed || this.#rest.length + this.#port.readableLength > 0;
  }

  /** What comes next; undefined where nothing does, in time where it is `urgent`. */
  async #next(urgent: boolean): Promise<Buffer | undefined> {
    for (;;) {
      const rest = this.#rest;
      this.#rest = Buffer.alloc(0);
      if (rest.length > 0) return rest;
      const chunk = this.#port.read() as Buffer | null;
      if (chunk) return chunk;
      if (this.#ended || !(await this.#change(urgent ? this.#patience : undefined))) return undefined;
    }
  }

  /** Waits for anything to happen on the line; false where nothing does in so many milliseconds. */
  #change(limit?: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = limit === undefined ? undefined : setTimeout(() => resolve(false), limit);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}

const reasons: Readonly<Record<number, string>> = {
  ...{ 200: 'OK', 400: 'Bad Request', 404: 'Not Found', 405: 'Method Not Allowed', 408: 'Request Timeout' },
  ...{ 411: 'Length Required', 413: 'Content Too Large', 422: 'Unprocessable Content', 500: 'Error' },
};

function parseHead(text: string): HttpRequest | undefined {
  const [first = '', ...lines] = text.replace(/^(\r\n)+/, '').split('\r\n');
  const [, method, path] = /^(GET|POST) (\/[!-~]*) HTTP\/1\.[01]$/.exec(first) ?? [];
  if (path === undefined) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = /^([\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    headers.set(name.toLowerCase(), value);
  }
  return { method: method as HttpRequest['method'], path, headers };
}
