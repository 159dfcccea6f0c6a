import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { AdoptSteps, AdoptWish } from '../../base/adopt/adopt.js';
import { type Architecture, architectures } from '../../model/base.js';
import { type Controller, controllers } from '../../model/hardware.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import type { ChosenVmm } from '../../vmm/choose.js';
import { act, printJson } from '../action.js';
import { duration, size } from '../quantities.js';
import { chooseForBase } from '../../library/vmms.js';

interface AddOptions {
  readonly name: string;
  readonly description?: string;
  readonly installGvad?: boolean;
  readonly login: string;
  readonly arch: Architecture;
  readonly firmware?: 'bios' | 'uefi';
  readonly controller?: Controller;
  readonly bootTimeout: string;
  readonly installTimeout: string;
  readonly memory: string;
  readonly maxCapacity: string;
  readonly qemu?: string;
  readonly json?: boolean;
}

export function addAddCommand(base: Command): void {
  base
    .command('add')
    .argument('<disk>', "somebody's system: a disk (raw, qcow2, VMDK, VDI) or a package (OVA, OVF)")
    .description('adopt a system that boots by itself and has GVAD, or gets it, as a base image')
    .requiredOption('--name <name>', 'of the base')
    .option('--description <text>', 'of the base, for people')
    .option('--install-gvad', 'boot it and install GVAD, by cloud-init or by a login on its serial port')
    .option('--login <user[:password]>', 'who may log in there and is root, or becomes it by sudo', 'root')
    .addOption(
      new Option('--arch <name>', 'architecture of its programs').choices(architectures).default('x86_64'),
    )
    .addOption(
      new Option('--firmware <kind>', 'what boots it (default: as its partition table says)').choices([
        'bios',
        'uefi',
      ]),
    )
    .addOption(
      new Option(
        '--controller <name>',
        'of its disks; it must have the driver (default: virtio-blk)',
      ).choices(controllers),
    )
    .option('--memory <size>', 'of the machine that it is tried in', '512M')
    .option('--boot-timeout <duration>', 'time until GVAD must have said its first word', '5m')
    .option('--install-timeout <duration>', 'time until GVAD must be installed', '15m')
    .option('--max-capacity <size>', 'bytes that the disk may have', '2T')
    .option('--qemu <dir>', 'folder with a QEMU of your own (its --prefix)')
    .option('--json', 'print the description of the base as JSON')
    .addHelpText('after', help)
    .action((disk: string, options: AddOptions) =>
      act(options.json ?? false, (signal) => add(disk, options, signal)),
    );
}

const help = `
The disk is copied, and never changed. It becomes a base when it was booted and has kept the guest contract.
Without --install-gvad, GVAD must be in it: gva gvad --help.

Examples:
  gva base add fedora.qcow2 --name fedora --install-gvad
  gva base add debian.vmdk --name lab --install-gvad --login root:secret
  gva base add appliance.ova --name other`;

async function add(disk: string, options: AddOptions, signal: AbortSignal): Promise<ExitCode> {
  const { adoptDisk } = await import('../../base/adopt/adopt.js');
  const say = (step: string) => console.error(`${options.name}: ${step}`);
  if (options.arch !== 'x86_64')
    throw new GvaError(
      'USAGE',
      `systems of ${options.arch} cannot be adopted yet: nothing here boots them by firmware`,
    );
  const { steps, hardware } = await sourceOf(disk, options, signal);
  const wish: AdoptWish = {
    ...{ name: options.name, arch: options.arch, hardware, firmware: options.firmware },
    description: options.description ?? `adopted from ${basename(disk)}`,
    from: { file: basename(disk), digest: await digestOf(disk, signal) },
  };
  const manifest = await adoptDisk(wish, { ...steps, ...bootSteps(options, say, signal) }, say, signal);
  if (options.json) printJson(manifest);
  else say(`is there, digest ${manifest.digest.slice(0, 16)}`);
  return ExitCode.ok;
}

/** Not with digestFile(): what is not there is the user's mistake, and a big file can be interrupted. */
async function digestOf(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { signal })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

type Source = { readonly steps: Pick<AdoptSteps, 'copy'>; readonly hardware: AdoptWish['hardware'] };

async function sourceOf(disk: string, options: AddOptions, signal: AbortSignal): Promise<Source> {
  const { controller } = options;
  const chosen =
    controller === undefined
      ? {}
      : { controller, ...(controller === 'ide' ? { machine: 'pc' as const } : {}) };
  const maxCapacity = size('--max-capacity', options.maxCapacity);
  if (await isPackage(disk)) {
    const { packageSource } = await import('../../instance/adopt/from-package.js');
    const found = await packageSource(resolve(disk), { limits: { capacity: maxCapacity }, signal });
    return { steps: found, hardware: { ...found.hardware, ...chosen } };
  }
  const { importDisk } = await import('../../base/adopt/import-disk.js');
  return { steps: { copy: (target) => importDisk(disk, target, maxCapacity, signal) }, hardware: chosen };
}

/** A descriptor, or an archive: the mark of tar (POSIX.1-2017, XCU pax, "ustar Interchange Format"). */
async function isPackage(path: string): Promise<boolean> {
  if (/\.ov[af]$/i.test(path)) return true;
  const { openRaw } = await import('../../disk/source.js');
  await using file = await openRaw(path);
  return file.size > 512 && (await file.read(257, 5)).toString('latin1') === 'ustar';
}

function bootSteps(
  options: AddOptions,
  say: (step: string) => void,
  signal: AbortSignal,
): Pick<AdoptSteps, 'change' | 'check'> {
  const limits = { boot: duration('--boot-timeout', options.bootTimeout), total: undefined, powerOff: 60 };
  const memory = size('--memory', options.memory);
  const installLimit = duration('--install-timeout', options.installTimeout);
  const [user = '', ...rest] = options.login.split(':');
  const login = { user, ...(rest.length === 0 ? {} : { password: rest.join(':') }) };
  const choose = () => qemuFor(options);
  return {
    check: async (base) => {
      const { requireKept, verifyContract } = await import('../../instance/verify-contract.js');
      const report = await verifyContract(base, await choose(), { memory, limits }, signal);
      const { byHand } = await import('../../instance/adopt/install-gvad.js');
      requireKept(
        report,
        base.name,
        options.installGvad ? byHand : `Is GVAD in it? Have it installed: --install-gvad. ${byHand}`,
      );
    },
    ...(options.installGvad
      ? {
          change: async (disk, folder) => {
            const { installGvad, installMemory } = await import('../../instance/adopt/install-gvad.js');
            say('installing GVAD in it');
            const wish = { login, cpus: 1, memory: Math.max(memory, installMemory), limit: installLimit };
            await installGvad(disk, folder, await choose(), wish, signal);
          },
        }
      : {}),
  };
}

/** Only QEMU boots by firmware. */
const qemuFor = ({ qemu }: AddOptions): Promise<ChosenVmm> =>
  chooseForBase(undefined, { vmm: 'qemu', qemu, cpus: 1 });
