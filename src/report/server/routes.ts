import type { IncomingMessage, ServerResponse } from 'node:http';
import { type CancelPoints, type RetryPoints, actionHeader } from '../live/protocol.js';
import { type AccessRules, accessOf, isAddressedHere, isFromHere, isToken } from './access.js';
import { HttpError, PackedJson, readJson, sendJson, sendText } from './answers.js';
import type { Hub } from './hub.js';
import type { SweepSource } from './source.js';

/** What the page is made of; nothing of it is secret. */
export interface LiveAssets {
  readonly html: string;
  readonly script: string;
  readonly style: string;
}

export interface RouteParts {
  readonly hub: Hub;
  readonly rules: AccessRules;
  readonly assets: LiveAssets;
  /** Name of the cookie with the token. */
  readonly cookie: string;
  /** Aborted when the server ends. */
  readonly signal: AbortSignal;
}

/** Bytes of an action. */
const longestBody = 1 << 20;
/** Points of an action. */
const mostPoints = 100_000;

/** Answers requests. What is refused is thrown. */
export class Routes {
  readonly #parts: RouteParts;
  readonly #tables = new Map<string, PackedJson>();

  constructor(parts: RouteParts) {
    this.#parts = parts;
  }

  /** @throws HttpError, GvaError */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { rules } = this.#parts;
    if (!isAddressedHere(request.headers.host, rules))
      throw new HttpError(421, 'this server does not go by that name (gva serve --allow-host NAME)');
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
    const parts = path.split('/').slice(1);
    const [first = '', id = '', what = '', number] = parts;
    if (first === 'sweeps' && parts.length <= 4) {
      await this.#ofSweep(request, response, { id, what, number });
      return;
    }
    allow(request, 'GET', 'HEAD');
    if (path === '/') this.#page(request, response, query);
    else if (path === '/live.js') sendText(response, 'text/javascript', this.#parts.assets.script);
    else if (path === '/style.css') sendText(response, 'text/css', this.#parts.assets.style);
    else if (path === '/events') this.#events(request, response);
    else throw new HttpError(404, 'there is no such page');
  }

  /** The token of the address becomes a cookie, so that it is not seen in the address any more. */
  #page(request: IncomingMessage, response: ServerResponse, query: string): void {
    const { rules, cookie, assets } = this.#parts;
    const token = new URLSearchParams(query).get('token');
    if (token === null) {
      const status = accessOf(request, cookie, rules) === 'none' ? 403 : 200;
      sendText(response, 'text/html', status === 200 ? assets.html : noAccess, status);
      return;
    }
    if (!isToken(token, rules)) {
      sendText(response, 'text/html', noAccess, 403);
      return;
    }
    response.writeHead(303, {
      'set-cookie': `${cookie}=${rules.token}; HttpOnly; SameSite=Strict; Path=/`,
      location: '/',
    });
    response.end();
  }

  #events(request: IncomingMessage, response: ServerResponse): void {
    const access = this.#look(request);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    const lastId = String(request.headers['last-event-id'] ?? '');
    if (!this.#parts.hub.connect(response, access === 'act', lastId))
      throw new HttpError(503, 'too many pages are open', { 'retry-after': '10' });
  }

  async #ofSweep(
    request: IncomingMessage,
    response: ServerResponse,
    { id, what, number }: { readonly id: string; readonly what: string; readonly number: string | undefined },
  ): Promise<void> {
    const source = this.#parts.hub.sources.find((each) => each.id === id);
    if ((what === 'cancel' || what === 'retry') && number === undefined) {
      allow(request, 'POST');
      await this.#act(request, this.#known(source, request), what);
      sendJson(response, { asked: what });
      return;
    }
    allow(request, 'GET', 'HEAD');
    this.#look(request);
    const known = this.#known(source, request);
    if (what === 'table' && number === undefined) await this.#table(request, response, known);
    else if (what === 'console' && /^\d{1,9}$/.test(number ?? ''))
      sendJson(response, await known.console(Number(number)));
    else throw new HttpError(404, 'there is no such page');
  }

  /** Who may not look is not told which sweeps there are. */
  #known(source: SweepSource | undefined, request: IncomingMessage): SweepSource {
    this.#look(request);
    if (source) return source;
    throw new HttpError(404, 'there is no such sweep');
  }

  #look(request: IncomingMessage): 'act' | 'look' {
    const access = accessOf(request, this.#parts.cookie, this.#parts.rules);
    if (access !== 'none') return access;
    throw new HttpError(403, 'this needs the token: open the address that gva serve has printed');
  }

  async #table(request: IncomingMessage, response: ServerResponse, source: SweepSource): Promise<void> {
    const table = await source.table();
    if (!table) throw new HttpError(404, 'there is no table of results yet');
    const packed = this.#tables.get(source.id) ?? new PackedJson();
    this.#tables.set(source.id, packed);
    await packed.send(request, response, table);
  }

  async #act(request: IncomingMessage, source: SweepSource, what: 'cancel' | 'retry'): Promise<void> {
    if (this.#look(request) !== 'act') throw new HttpError(403, 'who has no token may only look');
    if (request.headers[actionHeader] !== what || !isFromHere(request))
      throw new HttpError(403, `${what} must be asked by the page itself (header ${actionHeader}: ${what})`);
    const points = pointsOf(await readJson(request, longestBody), source.states.length);
    const { signal } = this.#parts;
    if (what === 'cancel' && isCancel(points)) await source.cancel(points, signal);
    else if (what === 'retry' && isRetry(points)) await source.retry(points, signal);
    else throw wrongPoints();
  }
}

function allow({ method = '' }: IncomingMessage, ...methods: readonly string[]): void {
  if (!methods.includes(method))
    throw new HttpError(405, `${method} is not for this page`, { allow: methods.join(', ') });
}

type Wish = CancelPoints | RetryPoints;

const isCancel = (points: Wish): points is CancelPoints => typeof points !== 'string' || points === 'all';
const isRetry = (points: Wish): points is RetryPoints => points !== 'all';

function pointsOf(body: unknown, count: number): Wish {
  const points: unknown =
    typeof body === 'object' && body !== null && 'points' in body ? body.points : undefined;
  if (points === 'all' || points === 'failed' || points === 'lost') return points;
  if (!Array.isArray(points) || points.length === 0 || points.length > mostPoints) throw wrongPoints();
  for (const point of points as unknown[])
    if (!Number.isSafeInteger(point) || (point as number) < 0 || (point as number) >= count)
      throw wrongPoints();
  return points as number[];
}

const wrongPoints = () =>
  new HttpError(
    400,
    '"points" are numbers of points of the sweep, or "all" (cancel), "failed", "lost" (retry)',
  );

const noAccess = `<!doctype html>
<html lang="en"><head><meta charset="utf-8" /><meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="color-scheme" content="light dark" /><title>gva serve</title><link rel="stylesheet" href="/style.css" /></head>
<body><main><h1>This page needs its token</h1>
<p>Open the address that <code>gva serve</code> has printed. Each start of it has another one.</p></main></body></html>
`;
