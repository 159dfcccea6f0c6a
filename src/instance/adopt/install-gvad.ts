import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { adoptCommand, installerDisc } from '../../base/gvad/disc.js';
import type { AdoptedDisk } from '../../model/base.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { scratchFiles } from '../../system/paths.js';
import { formatDuration } from '../../system/units.js';
import type { ChosenVmm } from '../../vmm/choose.js';
import type { MachineSpec, VirtualMachine } from '../../vmm/driver.js';
import { TimeLimit } from '../../vmm/time-limit.js';
import { createScratch } from '../scratch.js';
import { firmwareBoot } from '../stage.js';
import { type Login, SerialLogin } from './serial-login.js';

export interface InstallWish {
  readonly login: Login;
  /** Bytes of memory, and CPUs. */
  readonly memory: number;
  readonly cpus: number;
  /** Seconds that it may take. */
  readonly limit: number;
}

/** Bytes; a system with cloud-init wants more than an instance needs. */
export const installMemory = 1 << 30;

/**
 * Boots a disk with a CD that carries GVAD's installer, and has it installed: by cloud-init, which looks for such a CD,
 * or by a login on the first serial port. The disk is changed.
 *
 * @param folder of the disk
 * @throws GvaError ADOPT_INSTALL where neither is there, the installer fails, or the time is over
 */
export async function installGvad(
  disk: AdoptedDisk,
  folder: string,
  vmm: ChosenVmm,
  wish: InstallWish,
  signal: AbortSignal,
): Promise<void> {
  await using scratch = await createScratch();
  const spec = await machineFor(disk, folder, scratch.folder, wish);
  await using machine = await vmm.driver.start(spec);
  using limit = new TimeLimit(machine, wish.limit * 1000, signal);
  const login = await converse(machine, new SerialLogin(wish.login, shellCommand));
  await machine.exited;
  signal.throwIfAborted();
  if (login.outcome?.kind === 'installed') return;
  throw notInstalled(login, limit.over ? wish.limit : undefined, machine);
}

/** Where cloud-init is, it is at work already, and does it better. */
const shellCommand = `[ -e /run/cloud-init/enabled ] || { s=; [ "$(id -u)" = 0 ] || s='sudo -n'; $s sh -c '${adoptCommand.replaceAll("'", "'\\''")}'; }`;

async function machineFor(
  disk: AdoptedDisk,
  folder: string,
  scratch: string,
  { memory, cpus }: InstallWish,
): Promise<MachineSpec> {
  const disc = await installerDisc(true);
  const cdrom = join(scratch, scratchFiles.parameters);
  await writeFile(cdrom, disc);
  return {
    ...{ id: 'adopt', cpus, memory, consoleFirst: true },
    ...firmwareBoot(disk, scratch),
    disks: [
      { id: 'root', image: join(folder, disk.name), size: disk.size, access: 'read-write' },
      { id: 'cdrom', image: cdrom, size: disc.length, access: 'read-only' },
    ],
    folders: { uml: join(scratch, scratchFiles.uml), hostfs: join(scratch, scratchFiles.hostfs) },
  };
}

/** Milliseconds after which the console is woken: what it asked for may stand before what its kernel has said since. */
const nudge = 15_000;

/** Speaks with the console until the machine has ended or there is nothing more to hope for. */
async function converse(machine: VirtualMachine, login: SerialLogin): Promise<SerialLogin> {
  const { terminal } = machine;
  if (!terminal) throw new TypeError('a machine without a console for input');
  const ignored = drain(machine.lines);
  const hear = (chunk: Buffer) => {
    const answer = login.hear(chunk.toString('latin1'));
    if (answer !== undefined) terminal.write(answer);
    // Installed, it powers itself off.
    if (login.outcome?.kind === 'failed') machine.kill();
  };
  const timer = setInterval(() => {
    if (!login.isInside && login.outcome === undefined) terminal.write('\r');
  }, nudge);
  terminal.on('data', hear);
  try {
    await machine.exited;
    await ignored;
  } finally {
    clearInterval(timer);
    terminal.off('data', hear);
  }
  return login;
}

async function drain(lines: AsyncIterable<string>): Promise<void> {
  const reader = lines[Symbol.asyncIterator]();
  while (!(await reader.next()).done);
}

export const byHand =
  'Install it by hand: gva gvad --cd -o gvad.iso; boot the disk with that CD, mount it, and run "sh install.sh" as root; power off, and add the disk again.';

function notInstalled(login: SerialLogin, limit: number | undefined, machine: VirtualMachine): GvaError {
  const { outcome } = login;
  const last = machine.console.lastLines(3).join('\n');
  const how =
    outcome?.kind === 'failed'
      ? `: ${outcome.said}`
      : limit === undefined
        ? ': the machine ended before'
        : ` within ${formatDuration(limit)}: ${login.isInside ? 'the installer did not end' : 'there is neither cloud-init nor a login on the first serial port (ttyS0)'}`;
  return new GvaError('ADOPT_INSTALL', `GVAD could not be installed${how}`, {
    exitCode: ExitCode.infrastructure,
    hint: `With a password: --login USER:PASSWORD. ${byHand}${last === '' ? '' : `\nThe console's last words:\n${last}`}`,
  });
}
