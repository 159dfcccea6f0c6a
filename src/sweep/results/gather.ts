import { type ChildProcess, spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { sweepFiles } from '../../system/paths.js';

/** Seconds that a command has to end after it was asked to. */
const grace = 5;

export interface GatheredOnHost {
  /** Exit status; 128 + signal number where a signal ended it. Not 0: the command failed. */
  readonly status: number;
  /** Path of the file with its standard output and standard error. */
  readonly log: string;
}

/**
 * Runs the `gather:` command of a plan on this host when all points have ended: by `sh -c`, in the sweep's folder, with
 * the user's environment and
 *
 * - GVA_SWEEP: the sweep's folder, absolute;
 * - GVA_RESULTS: its table of results, which has been written.
 *
 * The command is the user's own, as the plan is; what it reads was written by guests. The safer way is an appliance that
 * has `gatherFolder()` as its data disk. The command runs in a process group of its own; when the signal comes, the whole
 * group is asked to end, and killed 5 s later.
 *
 * @throws GvaError GATHER_FAILED where it cannot be run, and the signal's reason
 */
export async function gatherOnHost(
  command: string,
  folder: string,
  signal: AbortSignal,
): Promise<GatheredOnHost> {
  signal.throwIfAborted();
  const log = join(folder, sweepFiles.gatherLog);
  try {
    await using file = await open(log, 'w');
    const child = spawn('sh', ['-c', command], {
      cwd: folder,
      env: { ...process.env, GVA_SWEEP: folder, GVA_RESULTS: join(folder, sweepFiles.results) },
      stdio: ['ignore', file.fd, file.fd],
      detached: true,
    });
    const status = await statusOf(child, signal);
    signal.throwIfAborted();
    return { status, log };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new GvaError('GATHER_FAILED', `the gather command cannot be run: ${messageOf(error)}`, {
      exitCode: ExitCode.infrastructure,
      cause: error,
    });
  }
}

function statusOf(child: ChildProcess, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const stop = () => {
      killGroup(child, 'SIGTERM');
      timer = setTimeout(() => killGroup(child, 'SIGKILL'), grace * 1000);
    };
    signal.addEventListener('abort', stop, { once: true });
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      // What the command left in the background is not left over.
      if (signal.aborted) killGroup(child, 'SIGKILL');
    };
    child.once('error', (error) => {
      finish();
      reject(error);
    });
    child.once('exit', (code, name) => {
      finish();
      resolve(code ?? 128 + (name === null ? 0 : constants.signals[name]));
    });
  });
}

function killGroup({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch {
    // It has gone.
  }
}
