import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createScratch } from '../../src/instance/scratch.js';
import { parseGuestEvent } from '../../src/model/guest-event.js';
import { digestFile } from '../../src/system/files.js';
import type { MachineSpec, VirtualMachine, VmmDriver } from '../../src/vmm/driver.js';
import { expectGoodEnd } from '../support/good-end.js';
import { noneLeft, processesWith, temporaryFolder } from '../support/gva.js';

/** What a guest of the suite does; how it is brought to do so is the driver's tests' affair. */
export const behaviours = [
  'succeeds',
  'fails',
  'panics',
  'hangs',
  'floods-console',
  'floods-events',
  'writes-disks',
] as const;
export type Behaviour = (typeof behaviours)[number];

export interface Subject {
  /** The driver, and what to start so that its guest behaves so. Overlays and images come into `folder`. */
  guest(
    behaviour: Behaviour,
    folder: string,
    scratch: string,
  ): Promise<{ driver: VmmDriver; spec: MachineSpec }>;
  /** The driver where its program is not installed. */
  missing(): VmmDriver;
}

interface Running {
  readonly driver: string;
  readonly machine: VirtualMachine;
  readonly spec: MachineSpec;
  readonly folder: string;
  /** Reads all lines to the end; the names of the events in them. */
  readonly events: () => Promise<string[]>;
}

/** The contract of a VMM driver (src/vmm/driver.ts): every driver passes it. */
export function vmmContract(subject: Subject): void {
  async function start(behaviour: Behaviour): Promise<Running & AsyncDisposable> {
    const folder = await temporaryFolder();
    const scratch = await createScratch();
    const { driver, spec } = await subject.guest(behaviour, folder.path, scratch.folder);
    const machine = await driver.start(spec);
    const events = async () => {
      const names: string[] = [];
      for await (const line of machine.lines) {
        expect(line.length).toBeLessThan(200_000);
        const event = parseGuestEvent(line);
        if (event) names.push(event.name);
      }
      return names;
    };
    const dispose = async () => {
      await machine[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    };
    return {
      driver: driver.name,
      machine,
      spec,
      folder: folder.path,
      events,
      [Symbol.asyncDispose]: dispose,
    };
  }

  const endsWell = async ({ driver, machine }: Running) =>
    expectGoodEnd(driver, machine, await machine.exited);

  /** Nothing that was started with this folder's files still runs. */
  const nothingLeft = ({ folder }: Running) => noneLeft(folder);

  it('a guest that succeeds: its events in order, status 0, nothing left', async () => {
    await using running = await start('succeeds');
    const events = await running.events();
    expect(events.filter((name) => !['medium', 'heartbeat'].includes(name))).toEqual([
      ...['boot', 'ready', 'script-start', 'script-end', 'done'],
    ]);
    await endsWell(running);
    await nothingLeft(running);
  });

  it('a guest whose script fails ends in good order', async () => {
    await using running = await start('fails');
    expect(await running.events()).toContain('done');
    await endsWell(running);
  });

  it('a guest that panics: no done, the panic on the console, nothing left', async () => {
    await using running = await start('panics');
    expect(await running.events()).not.toContain('done');
    await running.machine.exited;
    expect(running.machine.console.bytes().toString('latin1')).toContain('Kernel panic - not syncing');
    await nothingLeft(running);
  });

  it('a guest that hangs runs until it is killed, and then nothing is left', async () => {
    await using running = await start('hangs');
    const { machine } = running;
    for await (const line of machine.lines) {
      if (parseGuestEvent(line)?.name !== 'script-start') continue;
      expect(await processesWith(running.folder)).not.toEqual([]);
      machine.kill();
      machine.kill();
    }
    expect((await machine.exited).status).not.toBe(0);
    machine.kill();
    await nothingLeft(running);
  });

  it('disposing a machine ends it', async () => {
    const running = await start('hangs');
    for await (const line of running.machine.lines) if (parseGuestEvent(line)?.name === 'script-start') break;
    await running.machine[Symbol.asyncDispose]();
    await nothingLeft(running);
    await running[Symbol.asyncDispose]();
  });

  it('a flood on the console is taken, the last of it kept, and the guest goes on', async () => {
    await using running = await start('floods-console');
    expect(await running.events()).toContain('done');
    const { console } = running.machine;
    expect(console.dropped).toBeGreaterThan(100_000);
    expect(console.bytes().length).toBeLessThanOrEqual(64 << 10);
    expect(console.lastLines(1000).join('\n')).toContain('flood');
  });

  it('a flood of rubbish beside the events costs no memory, and the events are found', async () => {
    await using running = await start('floods-events');
    expect(await running.events()).toContain('done');
  });

  it('what a guest writes goes to its overlays and its own disks, never to a shared image', async () => {
    await using running = await start('writes-disks');
    const shared = running.spec.disks.filter(({ access }) => access !== 'read-write');
    const before = await Promise.all(shared.map(({ image }) => digestFile(image)));
    expect(await running.events()).toContain('done');
    await running.machine.exited;
    expect(await Promise.all(shared.map(({ image }) => digestFile(image)))).toEqual(before);
    expect((await readFile(join(running.folder, 'output.img'))).includes('written by the guest')).toBe(true);
  });

  it('a VMM that is not installed says so, and how to install it', async () => {
    const probe = await subject.missing().probe();
    expect(probe).toMatchObject({ available: false });
    expect(probe.available ? '' : probe.reason).toMatch(/not installed|no such/);
    expect(probe.available ? '' : probe.hint).not.toBe('');
  });

  it('a command line that the VMM refuses ends the machine, with what it said', async () => {
    await using folder = await temporaryFolder();
    await using scratch = await createScratch();
    const { driver, spec } = await subject.guest('succeeds', folder.path, scratch.folder);
    const broken = {
      ...spec,
      disks: spec.disks.map((disk) => ({ ...disk, image: join(folder.path, 'no-such-image') })),
    };
    const outcome = await driver.start(broken).then(
      async (machine) => {
        for await (const line of machine.lines) expect(parseGuestEvent(line)?.name).not.toBe('done');
        const { status, stderr } = await machine.exited;
        return { status, said: stderr + machine.console.bytes().toString('latin1') };
      },
      (error: unknown) => ({ status: -1, said: String(error) }),
    );
    expect(outcome.status).not.toBe(0);
    expect(outcome.said).not.toBe('');
    await noneLeft(folder.path);
  });
}
