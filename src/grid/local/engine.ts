import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExitCode, GvaError, errnoOf, messageOf } from '../../system/errors.js';
import { ensureFolder, readTextIfExists } from '../../system/files.js';
import { gvaProgram } from '../../system/package.js';
import { localGridFiles, localGridFolder } from '../../system/paths.js';
import { judgeProcess, parseProcessIdentity } from '../../system/process-identity.js';
import { whenStarted } from '../../system/process.js';
import { shellWord } from '../../system/shell-word.js';
import { checkArray } from '../check-array.js';
import { elementScript } from '../element-script.js';
import {
  type ElementState,
  type GridEngine,
  type GridLimits,
  type JobArray,
  type SubmittedArray,
  elementLog,
} from '../engine.js';
import { hostCapacity } from './capacity.js';
import { QueueFolder } from './queue-folder.js';

/** Elements of one array: with more, reading its states takes longer than people like to wait. */
const mostElements = 10_000;

/** Variables of the submitter that elements get. What else there is may be secret, or mean something to a job only. */
const passedOn =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|XDG_\w+_HOME|GVA_(SCRATCH|SANDBOX|UML_KERNEL))$/;

/**
 * This machine as a grid of one node: a process of ours, the spooler, runs the elements and outlives who submitted them.
 * It holds elements to their processors and memory by arithmetic only, and knows nothing of queues.
 */
export class LocalEngine implements GridEngine {
  readonly name = 'local';
  readonly #queue: QueueFolder;

  /** @param folder of the queue, on a file system of this machine */
  constructor(folder: string = localGridFolder()) {
    this.#queue = new QueueFolder(folder);
  }

  limits(): Promise<GridLimits> {
    return Promise.resolve({ elements: mostElements, jobs: undefined });
  }

  describe(array: JobArray): string {
    checkArray(array);
    const { elements, atOnce, resources, logs } = array;
    const room = `${resources.cpus} processors and ${Math.ceil(resources.memory / 2 ** 20)} MiB each`;
    const last = elements - 1;
    return [
      `# for each GVA_ELEMENT from 0 to ${last}, ${atOnce ?? 'any number'} at a time, with ${room};`,
      `# what they say goes to ${shellWord(join(logs, elementLog(0)))} and so on`,
      ...elementScript(array),
      '',
    ].join('\n');
  }

  async submit(array: JobArray, signal: AbortSignal): Promise<string> {
    checkArray(array);
    const { cpus } = await hostCapacity();
    signal.throwIfAborted();
    if (array.resources.cpus > cpus)
      throw new GvaError('GRID_REFUSED', `this machine has ${cpus} processors, not ${array.resources.cpus}`, {
        hint: 'Give the appliance fewer: hardware.cpus',
      });
    const environment = Object.fromEntries(
      Object.entries(process.env).flatMap(([name, value]) =>
        value !== undefined && passedOn.test(name) ? [[name, value]] : [],
      ),
    );
    const local = { format: 'gva-local-array/1', submitted: Date.now(), array, environment } as const;
    await this.#queue.add(local).catch((error: unknown) => {
      throw ['EROFS', 'EACCES'].includes(errnoOf(error) ?? '') ? noQueue(this.#queue.folder, error) : error;
    });
    try {
      await this.#startSpooler();
    } catch (error) {
      await this.#queue.remove(array.name);
      throw error;
    }
    return array.name;
  }

  async find(name: string): Promise<readonly string[]> {
    return (await this.#queue.read(name)) === undefined ? [] : [name];
  }

  async poll(arrays: readonly SubmittedArray[]): Promise<readonly ElementState[]> {
    const all: ElementState[] = [];
    for (const { name: array } of arrays) {
      const elements = (await this.#queue.read(array))?.array.elements ?? 0;
      const states = await this.#queue.states(array);
      for (let element = 0; element < elements; element++)
        all.push({ state: 'pending', word: 'PENDING', ...states.get(element), array, element });
    }
    // After this machine was started anew, say.
    if (all.some(({ state }) => state !== 'ended') && !(await this.#hasSpooler())) await this.#startSpooler();
    return all;
  }

  /** It forgets nothing that it does not forget altogether. */
  recall(): Promise<readonly ElementState[]> {
    return Promise.resolve([]);
  }

  async cancel({ name }: SubmittedArray, elements: readonly number[] | undefined): Promise<void> {
    if ((await this.#queue.read(name)) === undefined || !(await this.#queue.isOpen(name))) return;
    await this.#queue.requestCancel(name, elements);
    await this.#startSpooler();
  }

  /**
   * Starts a spooler, which ends at once, and well, where there is one.
   *
   * @throws GvaError GRID_SILENT where there is none, and none can be started
   */
  async #startSpooler(): Promise<void> {
    const folder = await ensureFolder(this.#queue.folder);
    const path = join(folder, localGridFiles.log);
    await using log = await open(path, 'a');
    const child = spawn(process.execPath, [gvaProgram, 'grid-spool', folder], {
      detached: true,
      cwd: '/',
      stdio: ['ignore', log.fd, log.fd],
    });
    await whenStarted(child);
    while (child.exitCode === null && child.signalCode === null && !(await this.#hasSpooler()))
      await sleep(20);
    child.unref();
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (!ended || child.exitCode === 0 || (await this.#hasSpooler())) return;
    const said = (await readTextIfExists(path))?.trim().split('\n') ?? [];
    const why = said.findLast((line) => /^\w*Error\b/.test(line)) ?? said.at(-1) ?? '';
    throw new GvaError('GRID_SILENT', `the process that runs jobs here does not start: ${why}`, {
      hint: `There is more in ${path}`,
      exitCode: ExitCode.infrastructure,
    });
  }

  async #hasSpooler(): Promise<boolean> {
    const text = await readTextIfExists(join(this.#queue.folder, localGridFiles.spooler));
    const process = text === undefined ? undefined : parseProcessIdentity(text);
    return process !== undefined && (await judgeProcess(process)) !== 'dead';
  }
}

const noQueue = (folder: string, cause: unknown) =>
  new GvaError(
    'GRID_REFUSED',
    `the queue of this machine's jobs cannot be kept in ${folder}: ${messageOf(cause)}`,
    {
      hint: 'Name a folder that can be written to in XDG_CACHE_HOME.',
      exitCode: ExitCode.infrastructure,
      cause,
    },
  );
