import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SweepStatus } from '../../src/model/sweep-status.js';
import { processIdentity } from '../../src/system/process-identity.js';

export const runningStatus: SweepStatus = {
  format: 'gva-sweep-status/1',
  name: 'squares',
  state: 'running',
  host: 'here',
  pid: process.pid,
  startedAt: '2026-01-02T03:04:05.000Z',
  at: '2026-01-02T03:05:05.000Z',
  points: 100,
  counts: { pending: 90, done: 5, failed: 2, lost: 1, active: 2 },
  kept: 3,
  parallel: 2,
  perMinute: 8.25,
  remaining: { seconds: 660, low: 600, high: 780 },
  running: [
    { index: 8, attempt: 1, since: '2026-01-02T03:05:00.000Z', phase: 'running', fraction: 0.5 },
    { index: 9, attempt: 2, since: '2026-01-02T03:05:04.000Z', phase: 'booting' },
  ],
  slowest: [{ index: 4, seconds: 12.5 }],
  failures: [
    { index: 7, state: 'failed', cause: 'script-status', message: 'it\u001b[31m broke', attempts: 1 },
  ],
};

export const finishedStatus: SweepStatus = {
  ...runningStatus,
  state: 'finished',
  counts: { pending: 0, done: 100, failed: 0, lost: 0, active: 0 },
  perMinute: null,
  remaining: null,
  running: [],
  failures: [],
};

export const rows = [
  {
    gva_point: 0,
    n: 1,
    word: 'a',
    gva_state: 'done',
    gva_cause: null,
    gva_total_s: 1.5,
    gva_folder: 'x',
    area: 1,
  },
  {
    gva_point: 1,
    n: 2,
    word: 'b\u001b',
    gva_state: 'failed',
    gva_cause: 'script-status',
    gva_total_s: 2,
    gva_folder: 'y',
  },
  {
    gva_point: 2,
    n: 3,
    word: 'c',
    gva_state: 'running',
    gva_cause: null,
    gva_total_s: null,
    gva_folder: null,
  },
];

/** Files of a sweep's folder: objects are written as JSON. */
export async function writeSweep(
  folder: string,
  files: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const manifest = { format: 'gva-sweep/1', plan: { file: join(folder, '../plan.yaml'), text: 'n: 1\n' } };
  for (const [name, content] of Object.entries({ 'sweep.json': manifest, ...files })) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

/** A lock of this process, or of one that is no more. */
export async function lockOf(state: 'alive' | 'dead' | 'elsewhere') {
  const own = await processIdentity(process.pid);
  if (state === 'alive') return { '.lock-a': own };
  if (state === 'dead') return { '.lock-a': { ...own, start: '1' } };
  return { '.lock-a': { ...own, realm: 'another boot', machine: 'another host' } };
}

export const linesOf = (table: readonly object[]) => table.map((row) => `${JSON.stringify(row)}\n`).join('');
