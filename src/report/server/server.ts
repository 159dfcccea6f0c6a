import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ExitCode, GvaError, errnoOf, messageOf } from '../../system/errors.js';
import type { AccessRules } from './access.js';
import { safeHeaders, sendError } from './answers.js';
import { Hub } from './hub.js';
import { type LiveAssets, Routes } from './routes.js';
import type { SweepSource } from './source.js';

export interface LiveServerOptions {
  /** Address or name on which it listens. */
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  readonly rules: AccessRules;
  readonly assets: LiveAssets;
  /** Called with what is a bug. */
  readonly onBug: (error: unknown) => void;
  /** Pages that may be open at the same time; 400 where absent. */
  readonly mostReaders?: number;
}

/** Connections beside those of pages that are open: for tables, consoles and actions. */
const otherConnections = 200;
/** Milliseconds for the head of a request, and for all of it. */
const requestTimes = { head: 10_000, all: 30_000, idle: 5000 } as const;

/** The live page over HTTP, until it is disposed of: then all pages are told that it ends. */
export class LiveServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #hub: Hub;
  readonly #ending = new AbortController();

  /** @throws GvaError ADDRESS_UNUSABLE */
  static async listen(options: LiveServerOptions): Promise<LiveServer> {
    const server = new LiveServer(options);
    try {
      server.#server.listen(options.port, options.host);
      await once(server.#server, 'listening');
    } catch (error) {
      throw new GvaError(
        'ADDRESS_UNUSABLE',
        `cannot listen on ${options.host}, port ${options.port}: ${messageOf(error)}`,
        {
          exitCode: ExitCode.infrastructure,
          cause: error,
          ...(errnoOf(error) === 'EADDRINUSE' ? { hint: 'Any port that is free: --port 0' } : {}),
        },
      );
    }
    server.#answerRequests(options);
    return server;
  }

  private constructor({ mostReaders = 400 }: LiveServerOptions) {
    this.#hub = new Hub(mostReaders);
    this.#server = createServer({
      ...{ headersTimeout: requestTimes.head, requestTimeout: requestTimes.all },
      ...{ keepAliveTimeout: requestTimes.idle, maxHeaderSize: 16 << 10 },
    });
    this.#server.maxConnections = mostReaders + otherConnections;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Number of pages that are open. */
  get readers(): number {
    return this.#hub.readers;
  }

  add(source: SweepSource): void {
    this.#hub.add(source);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    this.#hub[Symbol.dispose]();
    const closed = once(this.#server, 'close');
    this.#server.close();
    // What has been said to pages is on its way; they need not take it.
    const timer = setTimeout(() => this.#server.closeAllConnections(), 200);
    await closed;
    clearTimeout(timer);
  }

  #answerRequests({ rules, assets, onBug }: LiveServerOptions): void {
    // Ports share their cookies.
    const cookie = `gva-${this.port}`;
    const routes = new Routes({ hub: this.#hub, rules, assets, cookie, signal: this.#ending.signal });
    const answer = async (request: IncomingMessage, response: ServerResponse) => {
      for (const [name, value] of Object.entries(safeHeaders)) response.setHeader(name, value);
      try {
        await routes.answer(request, response);
      } catch (error) {
        if (!(error instanceof GvaError) && !('status' in (error as object)) && !response.destroyed)
          onBug(error);
        sendError(response, error);
      }
    };
    this.#server.on('request', (request, response) => {
      response.on('error', () => undefined);
      void answer(request, response);
    });
  }
}
