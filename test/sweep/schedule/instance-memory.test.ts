import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { MemoryEstimate, measureInstances } from '../../../src/sweep/schedule/instance-memory.js';
import { hostWith } from './host-fixture.js';

const stat = (pid: number, session: number) => `${pid} (a) b (c) S 10 ${pid} ${session} 0 -1 4194560 0\n`;
const children = (pid: number) => `/proc/${pid}/task/${pid}/children`;
const rollup = (pss: number) =>
  `5-6 ---p 0 00:00 0 [rollup]\nRss: 9999 kB\nPss: ${pss} kB\nPss_Dirty: 1 kB\n`;

describe('measured instances', () => {
  test('are children that lead a session, with all below them', async () => {
    const host = hostWith({
      [children(10)]: '20 30 40 ',
      // A VMM with three processes.
      '/proc/20/stat': stat(20, 20),
      '/proc/20/smaps_rollup': rollup(1000),
      [children(20)]: '21 22 ',
      '/proc/21/smaps_rollup': rollup(200),
      '/proc/22/status': 'Name:\tlinux\nVmPeak:\t 900 kB\nVmRSS:\t     30 kB\n',
      // A tool of this process.
      '/proc/30/stat': stat(30, 9),
      '/proc/30/smaps_rollup': rollup(5000),
      // One that has just ended.
    });
    expect([...(await measureInstances(10, host))]).toEqual([[20, 1230 * 1024]]);
  });

  test('are none where the kernel does not list children', async () => {
    expect((await measureInstances(10, hostWith({}))).size).toBe(0);
  });

  test.skipIf(!existsSync(children(process.pid)))(
    'of this host (skipped where the kernel does not list children)',
    async () => {
      const [leader, other] = [true, false].map((detached) =>
        spawn('sh', ['-c', 'echo; read -r x'], { detached, stdio: ['pipe', 'pipe', 'ignore'] }),
      );
      await Promise.all([once(leader!.stdout, 'data'), once(other!.stdout, 'data')]);
      const measured = await measureInstances();
      expect(measured.get(leader!.pid!)).toBeGreaterThan(10_000);
      expect(measured.has(other!.pid!)).toBe(false);
      for (const child of [leader!, other!]) child.stdin.end();
      await Promise.all([once(leader!, 'exit'), once(other!, 'exit')]);
      expect((await measureInstances()).has(leader!.pid!)).toBe(false);
    },
  );
});

describe('the estimate', () => {
  test('goes up at once and down by an eighth for each that ended', () => {
    const estimate = new MemoryEstimate(800);
    estimate.note(new Map([[1, 100]]));
    expect(estimate.bytes).toBe(800);
    estimate.note(new Map([[1, 80]]));
    expect(estimate.bytes).toBe(800);
    // It took 100 at its most.
    estimate.note(new Map());
    expect(estimate.bytes).toBe(712.5);
    estimate.note(new Map([[2, 900]]));
    expect(estimate.bytes).toBe(900);
    estimate.note(new Map());
    expect(estimate.bytes).toBe(900);
  });

  test('says what those that run will still take', () => {
    const estimate = new MemoryEstimate(100);
    expect(estimate.stillToCome(3)).toBe(300);
    estimate.note(
      new Map([
        [1, 30],
        [2, 100],
      ]),
    );
    expect(estimate.stillToCome(3)).toBe(170);
    expect(estimate.stillToCome(1)).toBe(70);
  });
});
