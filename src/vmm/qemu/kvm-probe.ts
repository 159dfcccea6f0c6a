import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import { digestText, ensureFolder, readTextIfExists, writeFileAtomically } from '../../system/files.js';
import { probesFolder } from '../../system/paths.js';
import { startSupervised } from '../supervisor.js';

/** A kernel alone reaches its panic in 0.3 s under KVM that works. */
const limitMs = 3000;

/**
 * Whether a guest really boots under KVM. /dev/kvm proves nothing: there are hosts where it opens, a machine
 * can be made, and every Linux guest hangs. So a kernel is started once per boot of the host, and the answer
 * kept.
 */
export async function kvmWorks(program: string, kernel: string): Promise<boolean> {
  const usable = await access('/dev/kvm', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!usable || arch() !== 'x64') return false;
  const file = join(probesFolder(), `kvm-${await probeKey(program, kernel)}`);
  const known = await readTextIfExists(file);
  if (known !== undefined) return known.trim() === 'works';
  const works = await kernelReachesPanic(program, kernel);
  await ensureFolder(probesFolder());
  await writeFileAtomically(file, works ? 'works\n' : 'hangs\n');
  return works;
}

async function probeKey(program: string, kernel: string): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  const files = await Promise.all([program, kernel].map((path) => stat(path)));
  return digestText(
    [boot, ...files.map((file) => `${file.ino} ${file.size} ${file.mtimeMs}`)].join('\n'),
  ).slice(0, 16);
}

/** The kernel is given no root: it works where the kernel gets as far as missing it. */
async function kernelReachesPanic(program: string, kernel: string): Promise<boolean> {
  await using machine = await startSupervised({
    program,
    args: kvmProbeArguments(kernel),
  });
  const timer = setTimeout(() => machine.kill(), limitMs);
  let panicked = false;
  for await (const line of machine.lines) panicked ||= line.includes('Unable to mount root fs');
  await machine.exited;
  clearTimeout(timer);
  return panicked;
}

export function kvmProbeArguments(kernel: string): string[] {
  return [
    ...['-machine', 'q35,sata=off,usb=off,graphics=off', '-accel', 'kvm', '-cpu', 'host', '-m', '128M'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-chardev', 'socket,id=events,fd=4', '-serial', 'chardev:events'],
    ...['-kernel', kernel, '-append', 'console=ttyS0 panic=-1 no_timer_check'],
  ];
}
