import { existsSync } from 'node:fs';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { InstanceSpec } from '../../src/instance/instance-spec.js';
import { runInstance } from '../../src/instance/run.js';
import type { PreparedAppliance } from '../../src/instance/prepare.js';
import type { InstanceEvent } from '../../src/model/instance-event.js';
import type { InstanceResult } from '../../src/model/result.js';
import { doneScript, guestScript } from '../../src/vmm/fake/driver.js';
import { type TestHome, fakeVmm, makeTestHome, prepareSquare } from '../support/fake-appliance.js';
import { groupMembers } from '../support/process-group.js';
import { requireTool } from '../support/tools.js';

let home: TestHome;
let prepared: PreparedAppliance;
let out: string;
beforeEach(async () => {
  home = await makeTestHome();
  prepared = await prepareSquare(home);
  out = join(home.folder, 'out');
});
afterEach(() => home[Symbol.asyncDispose]());

const forever = { boot: 600, total: undefined, powerOff: 600 };
const booted = guestScript(['boot t=0.01', 'ready t=0.01', 'script-start t=0.02 name=50-autorun']);
const ended = (status: number, free = 500) =>
  guestScript([`script-end t=0.03 name=50-autorun status=${status} free=${free}`, 'done t=0.04']);
/** Shell: notes the process group of the guest, whole or not at all. */
const noteGroup = () => {
  const file = join(home.folder, 'group');
  return `cut -d' ' -f5 /proc/$$/stat >'${file}-'$$ && mv '${file}-'$$ '${file}'\n`;
};

interface Run extends Partial<InstanceSpec> {
  readonly onEvent?: (event: InstanceEvent) => void;
  readonly signal?: AbortSignal;
}

/** Runs a guest and checks what is true however it ends: nothing of it is left. */
async function run(script: string, { onEvent = () => undefined, signal, ...rest }: Run = {}) {
  const spec = {
    id: 'square-1',
    prepared,
    parameters: { n: 3, mode: 'fast' },
    files: [],
    out,
    limits: forever,
  };
  const instance = { ...spec, force: false, keep: 'files' as const, keepDisks: false, ...rest };
  const vmm = fakeVmm(noteGroup() + script);
  const result = await runInstance(instance, vmm, onEvent, signal ?? new AbortController().signal);
  await expectNothingLeft();
  return result;
}

async function expectNothingLeft(): Promise<void> {
  const group = Number(await readFile(join(home.folder, 'group'), 'utf8'));
  await expect.poll(() => groupMembers(group)).toEqual([]);
  expect(await readdir(home.scratch)).toEqual([]);
  expect((await readdir(home.folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
}

const readResult = async () => JSON.parse(await readFile(join(out, 'result.json'), 'utf8')) as InstanceResult;

describe('an instance that comes to its end', () => {
  test('done', async () => {
    const events: InstanceEvent[] = [];
    const result = await run(doneScript, { onEvent: (event) => events.push(event) });
    expect(result).toMatchObject({ state: 'done', scripts: [{ name: '50-autorun', status: 0 }] });
    expect(result).not.toHaveProperty('cause');
    expect(await readResult()).toEqual(result);
    expect((await readdir(out)).sort()).toEqual(['console.log', 'events.jsonl', 'output', 'result.json']);
    const told = (await readFile(join(out, 'events.jsonl'), 'utf8')).trim().split('\n');
    expect(told.map((line) => JSON.parse(line) as unknown)).toEqual(events);
    expect(events.map((one) => (one.event === 'guest' ? one.name : one.event))).toEqual([
      ...['staged', 'boot', 'ready', 'script-start', 'script-end', 'done'],
      ...['powered-off', 'collected', 'ended'],
    ]);
  });

  test('its moments are in order', async () => {
    const { times } = await run(doneScript);
    const moments = Object.values(times) as (number | null)[];
    expect(moments).not.toContain(null);
    expect(moments).toEqual([...moments].sort((a, b) => a! - b!));
  });

  test('brings home what is on the output disk', async () => {
    const text = join(home.folder, 'text');
    await writeFile(text, 'forty-two\n');
    const write = `${requireTool('debugfs')} -w -R "write ${text} answer" "$GVA_FAKE_OUTPUT" 2>/dev/null\n`;
    const { output } = await run(booted + write + ended(0));
    expect(output).toMatchObject({ files: 1, bytes: 10 });
    expect(await readFile(join(out, 'output/answer'), 'utf8')).toBe('forty-two\n');
  });

  test('a script that ends with 3: failed', async () => {
    const result = await run(booted + ended(3));
    expect(result).toMatchObject({ state: 'failed', cause: 'script-status', scripts: [{ status: 3 }] });
    expect(result.message).toBe('script 50-autorun ended with status 3');
  });

  test('a full output disk: failed, whatever the status', async () => {
    expect(await run(booted + ended(0, 0))).toMatchObject({ state: 'failed', cause: 'output-full' });
  });

  test('done without having run a script: lost', async () => {
    expect(await run(guestScript(['boot', 'done']))).toMatchObject({ state: 'lost', cause: 'no-done' });
  });

  test('one that stays after "done" is ended, and done', async () => {
    const limits = { ...forever, powerOff: 0.05 };
    expect(await run(`${doneScript}exec sleep 600`, { limits })).toMatchObject({ state: 'done' });
  });
});

describe('an instance that does not', () => {
  test('silence is no success', async () => {
    const result = await run(booted);
    expect(result).toMatchObject({ state: 'lost', cause: 'no-done', scripts: [{ status: null }] });
    expect(result.times).toMatchObject({ scriptsEnded: null });
  });

  test('a panic is told in its words', async () => {
    const panic = 'echo "[    0.30] Kernel panic - not syncing: No working init found." >&5\nexit 1\n';
    const result = await run(booted + panic);
    expect(result).toMatchObject({ state: 'lost', cause: 'panic' });
    expect(result.message).toBe("the guest's kernel panicked: No working init found.");
    expect(await readFile(join(out, 'console.log'), 'utf8')).toContain('Kernel panic');
  });

  test('one that hangs is ended after its time limit, with all its processes', async () => {
    const limits = { ...forever, total: 2 };
    const hang = 'sleep 600 & (trap "" TERM INT HUP; sleep 600) & wait';
    expect(await run(booted + hang, { limits })).toMatchObject({ state: 'lost', cause: 'timeout' });
  });

  test('one that never boots is ended', async () => {
    const limits = { ...forever, boot: 2 };
    const result = await run('echo GRUB loading; exec sleep 600', { limits });
    expect(result).toMatchObject({ state: 'lost', cause: 'boot-timeout' });
    expect(result.times).toMatchObject({ booted: null });
    expect(await readFile(join(out, 'console.log'), 'utf8')).toBe('GRUB loading\n');
  });

  test('one that begins anew is ended: it would wait for ever', async () => {
    const again = guestScript(['boot', 'ready', 'idle']);
    const result = await run(`${booted}${again}exec sleep 600`, { limits: forever });
    expect(result).toMatchObject({ state: 'lost', cause: 'panic' });
    expect(result.message).toContain('restarted');
  });

  test('a VMM that is not there or fails is told with its words', async () => {
    const result = await run('exec /nonexistent/vmm');
    expect(result).toMatchObject({ state: 'lost', cause: 'vmm-failed' });
    expect(result.message).toMatch(/^the VMM ended with status 127: .*\/nonexistent\/vmm: not found/);
  });

  test('a VMM that is killed', async () => {
    const result = await run(`${booted}kill -9 $$`);
    expect(result).toMatchObject({ state: 'lost', cause: 'vmm-failed' });
    expect(result.message).toContain('137');
  });

  test.each([
    ['empty', ': >"$GVA_FAKE_OUTPUT"\n'],
    ['noise', 'head -c 1048576 /dev/urandom >"$GVA_FAKE_OUTPUT"\n'],
  ])('an output disk of rubbish (%s): lost, though the guest says done', async (_, spoil) => {
    const result = await run(booted + spoil + ended(0));
    expect(result).toMatchObject({ state: 'lost', cause: 'output-unreadable', output: null });
    expect(await readResult()).toEqual(result);
  });

  test.each([
    ['critical space allocation error, dev ubdc, sector 53520 op 0x1:(WRITE) flags 0x4000', 'ubdc'],
    ['I/O error, dev vdb, sector 8 op 0x1:(WRITE) flags 0x800 phys_seg 1 prio class 2', 'vdb'],
    ['Buffer I/O error on dev sda1, logical block 35, lost async page write', 'sda1'],
    ['Buffer I/O error on device ubdc, logical block 4642', 'ubdc'],
  ])('writes that the host refused (%s): lost, though the guest says done', async (line, disk) => {
    const result = await run(`${booted}echo '[    1.20] ${line}' >&5\n${ended(0)}`);
    expect(result).toMatchObject({ state: 'lost', cause: 'disk-error' });
    expect(result.message).toContain(`the guest's disk ${disk} failed`);
  });

  test('reads that failed are no reason to think so', async () => {
    const lines =
      'I/O error, dev sr0, sector 8 op 0x0:(READ) flags 0x80700\n' +
      'Buffer I/O error on dev sr0, logical block 7, async page read\n' +
      'operation not supported error, dev ubda, sector 448 op 0x9:(WRITE_ZEROES) flags 0x0\n';
    expect(await run(`${booted}echo '${lines}' >&5\n${ended(0)}`)).toMatchObject({ state: 'done' });
  });

  test('a link in the place of the output disk: lost, and not followed', async () => {
    const secret = join(home.folder, 'secret.img');
    const make = `PATH=$PATH:/usr/sbin mke2fs -q -F -t ext4 '${secret}' 2M && ln -sf '${secret}' "$GVA_FAKE_OUTPUT"\n`;
    for (const keep of ['files', 'image'] as const) {
      const result = await run(make + doneScript, { keep, force: true });
      expect(result).toMatchObject({ state: 'lost', cause: 'output-unreadable' });
      expect(await readdir(out)).not.toContain('output.img');
    }
  });

  test('a flood on the console and rubbish on the serial line cost no room and hide nothing', async () => {
    const flood = 'head -c 3000000 /dev/zero | tr "\\0" x >&5; head -c 3000000 /dev/urandom >&4; echo >&4\n';
    const result = await run(flood + booted + flood + ended(0));
    expect(result).toMatchObject({ state: 'done' });
    expect((await stat(join(out, 'console.log'))).size).toBeLessThanOrEqual(64 << 10);
    expect((await stat(join(out, 'events.jsonl'))).size).toBeLessThan(1 << 20);
  });
});

describe('an instance that the user ends', () => {
  test('while it runs: nothing is published, nothing is left', async () => {
    const controller = new AbortController();
    const onEvent = (event: InstanceEvent) => {
      if (event.event === 'guest' && event.name === 'script-start') controller.abort();
    };
    const result = await run(`${booted}sleep 600 & wait`, { onEvent, signal: controller.signal });
    expect(result).toMatchObject({ state: 'cancelled', cause: 'interrupted' });
    expect(existsSync(out)).toBe(false);
  });

  test('before it starts', async () => {
    const vmm = fakeVmm('exec sleep 600');
    const spec = { id: 'i', prepared, parameters: { n: 3, mode: 'fast' }, files: [], out, limits: forever };
    const instance = { ...spec, force: false, keep: 'files' as const, keepDisks: false };
    const result = await runInstance(instance, vmm, () => undefined, AbortSignal.abort());
    expect(result.state).toBe('cancelled');
    expect(existsSync(out)).toBe(false);
    expect(await readdir(home.scratch)).toEqual([]);
  });
});

describe('the folder for the results', () => {
  test('is not replaced without being asked, nor ever if it is not ours', async () => {
    await run(doneScript);
    await expect(run(doneScript)).rejects.toMatchObject({ code: 'OUT_EXISTS' });
    expect(await run(booted + ended(3), { force: true })).toMatchObject({ state: 'failed' });
    expect((await readResult()).state).toBe('failed');
    const foreign = { out: join(home.folder, 'square'), force: true };
    await expect(run(doneScript, foreign)).rejects.toMatchObject({ code: 'OUT_EXISTS' });
  });

  test('stays as it is when the run that was to replace it is cancelled', async () => {
    await run(doneScript);
    const before = await readFile(join(out, 'result.json'), 'utf8');
    const signal = AbortSignal.abort();
    expect(await run('exec sleep 600', { force: true, signal })).toMatchObject({ state: 'cancelled' });
    expect(await readFile(join(out, 'result.json'), 'utf8')).toBe(before);
  });

  test('has the disks as the guest left them, if asked', async () => {
    await run(doneScript, { keepDisks: true });
    expect((await readdir(join(out, 'instance'))).sort()).toEqual(['output.img', 'params.iso']);
  });
});
