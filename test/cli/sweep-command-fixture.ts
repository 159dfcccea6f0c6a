import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, vi } from 'vitest';
import { checkJsonOutput } from '../support/json-output.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';
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
    checkJsonOutput(['sweep', ...args], said.stdout);
    return { ...said, code: process.exitCode };
  } finally {
    process.exitCode = before;
    vi.restoreAllMocks();
  }
}

/** A folder of its own for each test of a file, with GVA's user folders in it, and a place for a sweep. */
export class SweepPlace {
  #home: TestHome | undefined;

  /** For the tests of the file that calls it. */
  constructor() {
    beforeEach(async () => {
      this.#home = await makeTestHome();
    });
    afterEach(() => this.#home?.[Symbol.asyncDispose]());
  }

  /** Folder of the test. */
  get parent(): string {
    if (!this.#home) throw new Error('only for use within a test');
    return this.#home.folder;
  }

  /** Folder of the sweep; nobody has made it yet. */
  get folder(): string {
    return join(this.parent, 'squares');
  }

  /** Writes a sweep that this very process runs. */
  async running(): Promise<void> {
    const files = { 'status.json': runningStatus, 'results.jsonl': linesOf(rows) };
    await writeSweep(this.folder, { ...files, ...(await lockOf('alive')) });
  }

  async finished(): Promise<void> {
    await writeSweep(this.folder, { 'status.json': finishedStatus, 'results.jsonl': linesOf(rows) });
  }
}
