import { sweepFiles } from '../../system/paths.js';
import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { readStatus } from '../../sweep/observe/status.js';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { ensureFolder, freshSibling } from '../../system/files.js';
import { whenStarted } from '../../system/process.js';
import { printJson } from '../action.js';
import { shellWord } from '../../system/shell-word.js';

/** This very command, but in the background. What it says is for people and goes to the log. */
const ownCommand = () => {
  const words = process.argv.slice(1).filter((word) => word !== '--json');
  return [...process.execArgv, ...words.map((word) => (word === '--detach' ? '--background' : word))];
};

/**
 * Starts this command in a session of its own and waits until its sweep runs, or the start has failed: then what it
 * said is shown, and the exit code is its own.
 *
 * @param command arguments of Node.js
 */
export async function detachSweep(
  folder: string,
  json: boolean,
  signal: AbortSignal,
  command = ownCommand(),
): Promise<ExitCode> {
  const log = join(resolve(folder), sweepFiles.log);
  const temporary = await logFile(resolve(folder));
  try {
    const child = await startInSession(command, temporary);
    const code = await untilStarted(child, folder, signal);
    const began = (await readStatus(folder).catch(() => undefined))?.status.pid === child.pid;
    if (began) await rename(temporary, log);
    if (code !== undefined) {
      process.stderr.write(await lastOf(began ? log : temporary));
      return exitCodeOf(code);
    }
    child.unref();
    if (json) printJson({ folder: resolve(folder), pid: child.pid, log });
    else tellStarted(folder, log, child.pid);
    return ExitCode.ok;
  } finally {
    await rm(temporary, { force: true });
  }
}

function tellStarted(folder: string, log: string, pid: number | undefined): void {
  const word = shellWord(folder);
  console.error(`the sweep runs in the background, process ${pid}; what it says goes to ${log}`);
  console.error(`follow it: gva sweep watch ${word}\nend it:    gva sweep cancel ${word}`);
}

/**
 * Beside the sweep's folder for now: that must be empty where the sweep is new, and have the log of the process that runs
 * it, if there is one. A start that fails leaves none.
 */
async function logFile(folder: string): Promise<string> {
  try {
    await ensureFolder(dirname(folder));
    return await freshSibling(folder);
  } catch (error) {
    throw cannotStart(error);
  }
}

async function startInSession(command: readonly string[], log: string): Promise<ChildProcess> {
  try {
    await using file = await open(log, 'a');
    const child = spawn(process.execPath, command, { detached: true, stdio: ['ignore', file.fd, file.fd] });
    return await whenStarted(child);
  } catch (error) {
    throw cannotStart(error);
  }
}

/** @returns the exit code where it has ended already; null for a signal */
async function untilStarted(
  child: ChildProcess,
  folder: string,
  signal: AbortSignal,
): Promise<number | null | undefined> {
  const end = () => child.kill('SIGTERM');
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null) {
        signal.throwIfAborted();
        return child.exitCode;
      }
      const seen = await readStatus(folder).catch(() => undefined);
      if (!signal.aborted && seen?.status.pid === child.pid) return undefined;
      await setTimeout(50);
    }
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** The end of a log, for people. */
async function lastOf(file: string): Promise<string> {
  return (await readFile(file, 'utf8').catch(() => '')).slice(-(64 << 10));
}

function exitCodeOf(code: number | null): ExitCode {
  return Object.values(ExitCode).find((known) => known === code) ?? ExitCode.infrastructure;
}

const cannotStart = (error: unknown) =>
  new GvaError('DETACH_FAILED', `cannot start the sweep in the background: ${messageOf(error)}`, {
    exitCode: ExitCode.infrastructure,
    hint: 'Leave out --detach to run it here.',
    cause: error,
  });
