import type { Duplex } from 'node:stream';
import { type AnswerContent, HttpLine, type HttpRequest } from '../../channel/http/http-line.js';
import { type GuestEvent, parseGuestEvent } from '../../model/guest-event.js';
import type { GuestFiles } from './guest-files.js';
import { PostedFiles } from './posted-files.js';

/** Bytes of events in one request, at most. */
const mostEvents = 64 << 10;
/** Bytes of content that are read only to be thrown away, at most. */
const mostIgnored = 1 << 20;
/** Milliseconds in which more of a request that was begun must come. */
const usualPatience = 5000;

interface Answer {
  readonly status: number;
  readonly content: AnswerContent;
}

/** What the process of an instance does for its guest by HTTP (docs/channels.md, "By network"), and for nobody else. */
export class GuestService {
  /** The guest knows that there is such a service. */
  asked = false;
  readonly #line: HttpLine;
  readonly #files: GuestFiles;
  readonly #posted: PostedFiles;
  readonly #onEvent: (event: GuestEvent) => void;

  /**
   * @param port the guest's end of it is an address of its network
   * @param onEvent told of what a guest may say of its application
   * @param patience milliseconds in which more of a request that was begun must come
   */
  constructor(
    port: Duplex,
    files: GuestFiles,
    posted: PostedFiles,
    onEvent: (event: GuestEvent) => void,
    patience = usualPatience,
  ) {
    this.#line = new HttpLine(port, patience);
    [this.#files, this.#posted, this.#onEvent] = [files, posted, onEvent];
  }

  /** Answers until the machine has ended. Never fails: what a guest asks is its own affair. */
  async serve(): Promise<void> {
    for (;;) {
      const request = await this.#line.request();
      if (request === undefined) return;
      // By which a guest hears what is still on its way.
      if (request !== 'malformed' && request.path === '/1/silent') continue;
      const { status, content } = await this.#answer(request).catch(() => says(500));
      // What follows a request that was not understood belongs to it, as far as it has come.
      if (status >= 400 && status !== 404) this.#line.drop();
      await this.#line.answer(status, content).catch(() => undefined);
    }
  }

  async #answer(request: HttpRequest | 'malformed'): Promise<Answer> {
    if (request === 'malformed') return says(400);
    const [, version, kind = '', ...rest] = request.path.split('/');
    if (version !== '1') return says(404);
    const name = decoded(rest.join('/'));
    if (request.method === 'GET') return this.#give(kind, name);
    const length = request.headers.get('content-length') ?? '';
    if (!/^\d{1,15}$/.test(length)) return says(411);
    return await this.#take(kind, name, Number(length), request);
  }

  #give(kind: string, name: string | undefined): Answer {
    if (name === undefined) return says(404);
    if (kind === 'files' && name === '') {
      this.asked = true;
      return { status: 200, content: this.#files.list() };
    }
    const content =
      kind === 'files'
        ? this.#files.byPath(name)
        : kind === 'number' && /^\d{1,6}$/.test(name)
          ? this.#files.byNumber(Number(name))
          : undefined;
    return content ? { status: 200, content } : says(404);
  }

  async #take(
    kind: string,
    name: string | undefined,
    size: number,
    { headers }: HttpRequest,
  ): Promise<Answer> {
    if (kind === 'events' && name === '' && size <= mostEvents) return this.#takeEvents(size);
    const isOutput = kind === 'outputs' && name !== undefined && PostedFiles.isName(name);
    const coded = headers.get('x-gva-encoding') === 'base64';
    if (!isOutput || !this.#posted.takes(name, coded ? Math.floor(size / 4) * 3 : size))
      return this.#ignore(size, isOutput ? 413 : 404);
    try {
      const sent = this.#line.content(size);
      const pieces = coded ? fromBase64(sent) : sent;
      const taken = await this.#posted.take(name, pieces, headers.get('x-gva-sha256'));
      return says(taken ? 200 : 422);
    } catch {
      return says(408);
    }
  }

  async #takeEvents(size: number): Promise<Answer> {
    const pieces: Buffer[] = [];
    for await (const piece of this.#line.content(size)) pieces.push(piece);
    for (const line of Buffer.concat(pieces).toString('utf8').split('\n')) {
      const event = parseGuestEvent(line);
      // How the instance goes is said by GVAD, on the line of the events.
      if (event && (event.name === 'progress' || event.name === 'message')) this.#onEvent(event);
    }
    return says(200);
  }

  /** Reads what is not taken: a client that still sends hears no answer. */
  async #ignore(size: number, status: number): Promise<Answer> {
    if (size > mostIgnored) return says(status);
    const content = this.#line.content(size);
    while ((await content.next()).done !== true);
    return says(status === 404 ? 405 : status);
  }
}

const says = (status: number): Answer => ({
  status,
  content: Buffer.from(status === 200 ? 'ok\n' : 'no\n'),
});

/** The bytes of a text that is wrapped as its sender likes; what is no such text gives other bytes, which the sum tells. */
async function* fromBase64(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest = '';
  for await (const piece of pieces) {
    const text = rest + piece.toString('latin1').replaceAll(/[\r\n]/g, '');
    const whole = text.length - (text.length % 4);
    rest = text.slice(whole);
    yield Buffer.from(text.slice(0, whole), 'base64');
  }
  yield Buffer.from(rest, 'base64');
}

/** Undefined where it is not percent-encoded UTF-8. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
