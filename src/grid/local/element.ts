import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { errnoOf, messageOf } from '../../system/errors.js';
import { packageRoot } from '../../system/package.js';
import { whenStarted } from '../../system/process.js';
import { elementScript } from '../element-script.js';
import { type ElementEnd, type ElementState, elementLog } from '../engine.js';
import { persistently } from '../worker/persistently.js';
import { mayAppear } from '../worker/spec.js';
import type { LocalArray } from './queue-folder.js';

/** Milliseconds from TERM to KILL. */
const grace = 5000;
/** Seconds that its log is waited for. */
const patience = 30;
/** Milliseconds; what setTimeout can wait for at most. */
const longest = 2 ** 31 - 1;

type End = Pick<ElementState, 'end' | 'word' | 'reason'>;

/** Why an element was ended before it had. */
export type StopCause = 'cancelled' | 'time-limit' | 'node-failed';

const stopWords = { cancelled: 'CANCELLED', 'time-limit': 'TIMEOUT', 'node-failed': 'NODE_FAIL' } as const;

/**
 * A running element: a process group under libexec/gva-supervise, which ends it when the spooler dies. What its command
 * leaves behind ends with it.
 */
export class RunningElement {
  /** Never rejects. */
  readonly ended: Promise<End>;
  readonly #stopped = new AbortController();
  #child: ChildProcess | undefined;
  #cause: { readonly why: StopCause; readonly reason: string | undefined } | undefined;

  constructor(local: LocalArray, element: number) {
    this.ended = this.#run(local, element).catch((error: unknown) => ({
      end: 'launch-failed' as ElementEnd,
      word: 'FAILED',
      reason: messageOf(error),
    }));
  }

  /** TERM to the whole group, KILL 5 s later. The first cause counts. */
  stop(why: StopCause, reason?: string): void {
    if (this.#cause) return;
    this.#cause = { why, reason };
    this.#stopped.abort();
    this.#kill('SIGTERM');
    setTimeout(() => this.#kill('SIGKILL'), grace).unref();
  }

  async #run(local: LocalArray, element: number): Promise<End> {
    const { array } = local;
    await using log = await this.#openLog(join(array.logs, elementLog(element)));
    const starting = spawn(
      join(packageRoot, 'libexec/gva-supervise'),
      ['/bin/sh', '-c', elementScript(array).join('\n')],
      {
        cwd: '/',
        detached: true,
        env: { ...local.environment, ...variablesOf(local, element) },
        stdio: ['ignore', log.fd, log.fd, 'pipe'],
      },
    );
    const child = await whenStarted(starting);
    child.stdio[3]?.on('error', () => undefined);
    const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    this.#child = child;
    // It may have been asked to end before there was anything.
    if (this.#cause) this.#kill('SIGTERM');
    const { seconds } = array.resources;
    const clock =
      seconds === undefined
        ? undefined
        : setTimeout(() => this.stop('time-limit'), Math.min(seconds * 1000, longest));
    try {
      const [status, signal] = await exited;
      return this.#judge(status, signal);
    } finally {
      clearTimeout(clock);
      this.#kill('SIGKILL');
      this.#child = undefined;
    }
  }

  /** On a shared file system, the folder may be seen here later than where it was made. */
  #openLog(path: string): Promise<FileHandle> {
    const patient = { seconds: patience, signal: this.#stopped.signal, log: () => undefined };
    return persistently('open the log', () => open(path, 'a'), patient, mayAppear);
  }

  #judge(status: number | null, signal: NodeJS.Signals | null): End {
    if (this.#cause) {
      const { why, reason } = this.#cause;
      return { end: why, word: stopWords[why], ...(reason === undefined ? {} : { reason }) };
    }
    if (status === 0) return { end: 'completed', word: 'COMPLETED' };
    const reason = signal === null ? `exit status ${status}` : `signal ${signal}`;
    return { end: 'failed', word: 'FAILED', reason };
  }

  #kill(signal: NodeJS.Signals): void {
    try {
      if (this.#child?.pid !== undefined) process.kill(-this.#child.pid, signal);
    } catch (error) {
      if (errnoOf(error) !== 'ESRCH') throw error;
    }
  }
}

function variablesOf({ array }: LocalArray, element: number): Record<string, string> {
  return {
    GVA_ELEMENT: String(element),
    GVA_JOB: `${array.name}_${element}`,
    GVA_NODE: hostname(),
    GVA_RESTARTS: '0',
    GVA_CPUS: String(array.resources.cpus),
    GVA_MEMORY: String(array.resources.memory),
  };
}
