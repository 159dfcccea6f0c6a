import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { GvaError } from '../../system/errors.js';

/** What a page of ours may do: load from here, and nothing else (Content Security Policy Level 3, W3C). */
const policy = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", 'img-src data:'],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ...["require-trusted-types-for 'script'", "trusted-types 'none'"],
].join('; ');

/** Of all answers. */
export const safeHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** What a request is refused with. */
export class HttpError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

export function sendText(response: ServerResponse, type: string, text: string, status = 200): void {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8` });
  response.end(text);
}

export const sendJson = (response: ServerResponse, value: unknown, status = 200): void =>
  sendText(response, 'application/json', JSON.stringify(value), status);

/** As an error with code and message; what is a bug says no more than that it is one. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  if (error instanceof HttpError) {
    for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
    sendJson(response, { error: { code: `HTTP_${error.status}`, message: error.message } }, error.status);
  } else if (error instanceof GvaError) {
    const { code, message, hint } = error;
    sendJson(response, { error: { code, message, ...(hint === undefined ? {} : { hint }) } }, 409);
  } else sendJson(response, { error: { code: 'BUG', message: 'the server has failed' } }, 500);
}

/** JSON that may be long. */
export class PackedJson {
  #version = -1;
  #bytes: Promise<Buffer> | undefined;

  /** Packs each version once. */
  async send(
    request: IncomingMessage,
    response: ServerResponse,
    { version, json }: { readonly version: number; readonly json: string },
  ): Promise<void> {
    const isPacked = /\bgzip\b/.test(String(request.headers['accept-encoding']));
    const bytes = isPacked ? await this.#packed(version, json) : json;
    response.writeHead(200, {
      ...{ 'content-type': 'application/json; charset=utf-8', vary: 'accept-encoding' },
      ...(isPacked ? { 'content-encoding': 'gzip' } : {}),
    });
    response.end(bytes);
  }

  #packed(version: number, json: string): Promise<Buffer> {
    if (version !== this.#version || !this.#bytes) {
      this.#version = version;
      this.#bytes = promisify(gzip)(json, { level: 1 });
    }
    return this.#bytes;
  }
}

/**
 * The body of a request, as JSON.
 *
 * @param limit bytes
 * @throws HttpError
 */
export async function readJson(request: IncomingMessage, limit: number): Promise<unknown> {
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
    throw new HttpError(415, 'say it as application/json');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > limit) throw new HttpError(413, `say it in ${limit} bytes`, { connection: 'close' });
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new HttpError(400, 'it is no JSON');
  }
}
