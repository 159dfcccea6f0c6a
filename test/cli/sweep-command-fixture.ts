import { Command } from 'commander';
import { vi } from 'vitest';
import type { SweepActions } from '../../src/cli/sweep/actions.js';
import { addSweepCommand } from '../../src/cli/sweep/command.js';
import {
  finishedStatus,
  linesOf,
  lockOf,
  rows,
  runningStatus,
  writeSweep,
} from '../sweep/observe-fixture.js';

/** Runs `gva sweep ...` in this process. */
export async function sweep(args: string[], actions?: SweepActions) {
  const said = { stdout: '', stderr: '' };
  const program = new Command('gva').exitOverride();
  program.configureOutput({
    writeErr: (text) => (said.stderr += text),
    writeOut: (text) => (said.stdout += text),
  });
  addSweepCommand(program, actions);
  const write = (stream: 'stdout' | 'stderr') => (text: unknown) => {
    said[stream] += String(text);
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(write('stdout'));
  vi.spyOn(process.stderr, 'write').mockImplementation(write('stderr'));
  vi.spyOn(console, 'log').mockImplementation((line) => write('stdout')(`${line}\n`));
  vi.spyOn(console, 'error').mockImplementation((line) => write('stderr')(`${line}\n`));
  const before = process.exitCode;
  try {
    await program.parseAsync(['sweep', ...args], { from: 'user' });
    return { ...said, code: process.exitCode };
  } finally {
    process.exitCode = before;
    vi.restoreAllMocks();
  }
}

/** A sweep that this very process runs. */
export const writeRunning = async (folder: string) =>
  writeSweep(folder, {
    'status.json': runningStatus,
    'results.jsonl': linesOf(rows),
    ...(await lockOf('alive')),
  });

export const writeFinished = (folder: string) =>
  writeSweep(folder, { 'status.json': finishedStatus, 'results.jsonl': linesOf(rows) });
