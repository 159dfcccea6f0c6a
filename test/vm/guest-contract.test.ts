import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Base, loadDirectBase } from '../../src/base/store.js';
import { openExt4 } from '../../src/disk/ext4/index.js';
import { extractTree } from '../../src/disk/extract.js';
import { openRaw } from '../../src/disk/source.js';
import type { MediumEntry } from '../../src/disk/medium-entry.js';
import { createScratch } from '../../src/instance/scratch.js';
import { watchMachine } from '../../src/instance/watch.js';
import { type GuestEvent, parseGuestEvent } from '../../src/model/guest-event.js';
import type { VmmDriver } from '../../src/vmm/driver.js';
import { QemuDriver } from '../../src/vmm/qemu/driver.js';
import { UmlDriver } from '../../src/vmm/uml/driver.js';
import { arm64Base } from '../support/arm64-base.js';
import { buildLimit, debianBase } from '../support/debian-base.js';
import { adoptedBase, recipeBase } from '../support/long-bases.js';
import { ociBase } from '../support/oci-base.js';
import { expectGoodEnd } from '../support/good-end.js';
import { temporaryFolder } from '../support/gva.js';
import { type Media, machineWith, makeDisks } from '../support/guest-disks.js';

// The guest contract (docs/guest-contract.md), kept by every base under every VMM: media that `gva run`
// does not make itself, as other hosts would attach them.

type VmmName = 'qemu' | 'uml';

const isLong = process.env['GVA_LONG'] !== undefined;

const bases: [string, readonly VmmName[], () => Promise<Base>][] = [
  ['micro', ['qemu', 'uml'], () => loadDirectBase('micro')],
  // Only QEMU emulates other processors.
  ['micro for ARM64', ['qemu'], () => arm64Base()],
  ['Debian, quick', isLong ? ['qemu', 'uml'] : ['uml'], () => debianBase('quick')],
  ['Debian, systemd', isLong ? ['qemu', 'uml'] : ['qemu'], () => debianBase('systemd')],
  ...(isLong ? longBases() : []),
];

/** Those that take minutes to make, or to boot. */
function longBases(): typeof bases {
  return [
    ['a container image', ['qemu', 'uml'], () => ociBase()],
    // Firmware boots it, and nothing else can.
    ['an adopted Debian', ['qemu'], () => adoptedBase()],
    ['a recipe', ['qemu', 'uml'], () => recipeBase()],
  ];
}

const drivers: Readonly<Record<VmmName, (base: Base) => VmmDriver>> = {
  qemu: ({ arch, folder, files }) =>
    new QemuDriver({ arch, probeKernel: files.kernel && join(folder, files.kernel.name) }),
  uml: (base) => new UmlDriver({ modulesRelease: base.umlRelease }),
};

const cases = bases.flatMap(([baseName, names, load]) =>
  names.map((name) => [baseName, name, load, drivers[name]] as const),
);

describe.each(cases)(
  'the guest contract kept by %s under %s',
  { timeout: buildLimit },
  (_base, name, load, driver) => {
    let base: Base;
    beforeAll(async () => {
      base = await load();
    }, buildLimit);

    async function boot(media: Media): Promise<
      {
        events: GuestEvent[];
        files: (disk: 'app' | 'output') => Promise<(path: string) => Promise<string>>;
      } & AsyncDisposable
    > {
      const folder = await temporaryFolder();
      const scratch = await createScratch();
      const disks = await makeDisks(folder.path, media);
      const machine = await driver(base).start(machineWith(base, folder.path, scratch.folder, disks));
      const events: GuestEvent[] = [];
      const limits = { boot: 300, total: 600, powerOff: 60 };
      const watched = await watchMachine(
        machine,
        limits,
        (event) => events.push(event),
        new AbortController().signal,
      );
      expect(watched, machine.console.lastLines(10).join('\n')).toMatchObject({ done: true });
      expectGoodEnd(name, machine, watched.exit);
      return {
        events,
        files: async (disk) => {
          const target = join(folder.path, `${disk}-files`);
          await using source = await openRaw(join(folder.path, `${disk}.img`));
          await extractTree(await openExt4(source), target);
          return (path) => readFile(join(target, path), 'utf8');
        },
        [Symbol.asyncDispose]: async () => {
          await scratch[Symbol.asyncDispose]();
          await folder[Symbol.asyncDispose]();
        },
      };
    }

    it('takes application, data and output from one disk, and finds it whatever its place', async () => {
      await using guest = await boot({
        app: {
          '.gva/gvad.conf': 'media=data output cdrom\nwait=2\n',
          'data/in': 'input\n',
          'output/there': 'before\n',
          'script-bin/run': 'cat /data/in /output/there /cdrom/param >/output/out',
        },
        cdrom: [{ kind: 'file', path: 'param', content: Buffer.from('1 2\n') }],
      });
      const read = await guest.files('app');
      expect(await read('output/out')).toBe('input\nbefore\n1 2\n');
      expect(await read('output/.gva/run.status')).toBe('0\n');
      expect(guest.events.filter(({ name }) => name === 'error')).toEqual([]);
    });

    it('takes the packed defaults where no CD comes, and says so', async () => {
      await using guest = await boot({
        app: {
          '.gva/gvad.conf': 'media=output cdrom\nwait=1\n',
          '.gva/cdrom/param': 'default\n',
          'script-bin/run': 'cat /cdrom/param',
        },
        output: true,
      });
      expect(await (await guest.files('output'))('.gva/run.stdout')).toBe('default\n');
      expect(guest.events.find(({ name }) => name === 'error')?.fields['message']).toMatch(/no parameter CD/);
    });

    it('gives a blank output disk a file system', async () => {
      await using guest = await boot({
        app: {
          '.gva/gvad.conf': 'media=output\nwait=1\n',
          'script-bin/run': 'echo written >/output/file',
        },
        blankOutput: 32 << 20,
      });
      expect(await (await guest.files('output'))('file')).toBe('written\n');
    });

    it('says everything to a host that is slow to listen', async () => {
      await using folder = await temporaryFolder();
      await using scratch = await createScratch();
      const names = Array.from({ length: 12 }, (_, index) => `${index + 10}-script-of-a-long-name`);
      const scripts = Object.fromEntries(names.map((name) => [`script-bin/${name}`, 'true']));
      const disks = await makeDisks(folder.path, {
        app: { '.gva/gvad.conf': 'media=output\nwait=5\n', ...scripts },
        output: true,
      });
      await using machine = await driver(base).start(machineWith(base, folder.path, scratch.folder, disks));
      const said: string[] = [];
      for await (const line of machine.lines) {
        said.push(parseGuestEvent(line)?.name ?? 'none');
        // Long enough for the guest to come to its end, were it not for us: nothing of this process goes on meanwhile.
        if (said.at(-1) === 'boot') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6000);
      }
      expect(said.filter((name) => name === 'script-end')).toHaveLength(names.length);
      expect(said.at(-1)).toBe('done');
    });

    it('runs scripts of the CD after those of the application disk, each once', async () => {
      const script = (path: string, body: string): MediumEntry => ({
        ...{ kind: 'file', path: `script-bin/${path}`, mode: 0o755 },
        content: Buffer.from(`#!/bin/sh\n${body}\n`),
      });
      await using guest = await boot({
        app: { '.gva/gvad.conf': 'media=output cdrom\n', 'script-bin/run': 'echo app >>order' },
        output: true,
        cdrom: [script('20-b', 'echo b >>order'), script('10-a', 'echo a >>order; exit 4')],
      });
      expect(await (await guest.files('output'))('order')).toBe('app\na\nb\n');
      expect(guest.events.at(-1)).toMatchObject({ name: 'done', fields: { scripts: '3', failed: '1' } });
    });
  },
);
