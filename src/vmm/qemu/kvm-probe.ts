import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { digestText, ensureFolder, writeFileAtomically } from '../../system/files.js';
import { lockFolder } from '../../system/folder-lock.js';
import { probeFiles, probesFolder } from '../../system/paths.js';
import { rememberedDigest } from '../../system/remembered-digest.js';
import { ConsoleRing } from '../console-ring.js';
import { startSupervised } from '../supervisor.js';
import { TimeLimit } from '../time-limit.js';
import type { QemuInstallation } from './installation.js';
import { kvmDevice } from './kvm-device.js';

/** A kernel alone reaches its panic in 0.3 s under KVM that works. */
const defaultLimitMs = 3000;

/** What became of a kernel under KVM. `refused`: QEMU ended before the kernel could get anywhere. */
export interface KvmAnswer {
  readonly verdict: 'works' | 'hangs' | 'refused';
  /** The last lines of the kernel and of QEMU, printable. */
  readonly said: readonly string[];
}

export interface KvmProbeOptions {
  /** What the program needs to run. */
  readonly host?: Partial<Pick<QemuInstallation, 'dataFolders' | 'env'>>;
  /** Milliseconds that the kernel is given; 3000 where absent. */
  readonly limitMs?: number;
  /** Tries again what is known. */
  readonly fresh?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Whether a guest really boots under KVM. /dev/kvm proves nothing: there are hosts where it opens, a machine
 * can be made, and every Linux guest hangs. So a kernel is started once per boot of the host, and the answer
 * kept.
 */
export async function kvmWorks(
  program: string,
  kernel: string,
  host: KvmProbeOptions['host'] = {},
): Promise<boolean> {
  if (!(await kvmDevice()).usable) return false;
  return (await probeKvm(program, kernel, { host })).verdict === 'works';
}

/**
 * What is known of KVM for this boot of the host, this QEMU and this kernel (by their digests), or is found out
 * now. The device must be usable. Of processes that ask at one moment, one tries and the others wait for it.
 */
export async function probeKvm(
  program: string,
  kernel: string,
  options: KvmProbeOptions = {},
): Promise<KvmAnswer> {
  const folder = await ensureFolder(probesFolder()).catch(() => undefined);
  // A cache that cannot be written to costs time, nothing else.
  if (folder === undefined) return tryKernel(program, kernel, options);
  const name = probeFiles.kvm(await probeKey([program, kernel]));
  const file = join(folder, name);
  const known = options.fresh ? undefined : await readAnswer(file);
  if (known) return known;
  const { lock, others } = await takeTurn(folder, name, (options.limitMs ?? defaultLimitMs) + 1000);
  try {
    const answer = others ?? (options.fresh ? undefined : await readAnswer(file));
    if (answer) return answer;
    const found = await tryKernel(program, kernel, options);
    const kept = JSON.stringify({ ...found, at: Date.now() } satisfies KeptAnswer);
    await writeFileAtomically(file, kept).catch(() => undefined);
    return found;
  } finally {
    await lock?.[Symbol.asyncDispose]();
  }
}

/** Waits for the lock, or for the answer of who has it; for neither longer than that. */
async function takeTurn(
  folder: string,
  name: string,
  patienceMs: number,
): Promise<{ lock?: AsyncDisposable; others?: KvmAnswer }> {
  for (const end = performance.now() + patienceMs; performance.now() < end;) {
    const outcome = await lockFolder(folder, `.${name}.lock-`).catch(() => undefined);
    if (!outcome) return {};
    if (outcome.lock) return { lock: outcome.lock };
    const others = await readAnswer(join(folder, name));
    if (others) return { others };
    await sleep(100);
  }
  return {};
}

interface KeptAnswer extends KvmAnswer {
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Milliseconds that a refusal is believed: what it is for (memory, say) may be over some day. */
const refusalKept = 3600_000;

/** One text for the boot of this host and the content of these files. */
export async function probeKey(files: readonly string[], ...more: readonly string[]): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  const digests: string[] = [];
  for (const file of files) digests.push(await rememberedDigest(file, probesFolder()));
  return digestText(JSON.stringify([boot.trim(), ...digests, ...more])).slice(0, 32);
}

/** Undefined where there is no answer, or none that can be read: the cache is only that. */
async function readAnswer(file: string): Promise<KvmAnswer | undefined> {
  try {
    const value = JSON.parse(await readFile(file, 'utf8')) as Partial<KeptAnswer>;
    const { verdict, said, at = 0 } = value;
    if (!Array.isArray(said)) return undefined;
    if (verdict === 'works' || verdict === 'hangs') return { verdict, said };
    if (verdict === 'refused' && Math.abs(Date.now() - at) < refusalKept) return { verdict, said };
  } catch {
    // Tried again.
  }
  return undefined;
}

/** The kernel is given no root: it works where the kernel gets as far as missing it. */
async function tryKernel(
  program: string,
  kernel: string,
  { limitMs = defaultLimitMs, signal, host = {} }: KvmProbeOptions,
): Promise<KvmAnswer> {
  const args = kvmProbeArguments(kernel, host.dataFolders);
  await using machine = await startSupervised({ program, args, env: host.env ?? {} });
  using limit = new TimeLimit(machine, limitMs, signal);
  const said = new ConsoleRing(4096);
  for await (const line of machine.lines) {
    if (line.includes('Unable to mount root fs')) return { verdict: 'works', said: [] };
    said.append(Buffer.from(`${line}\n`));
  }
  said.append(Buffer.from((await machine.exited).stderr));
  signal?.throwIfAborted();
  return { verdict: limit.over ? 'hangs' : 'refused', said: said.lastLines(5) };
}

export function kvmProbeArguments(kernel: string, dataFolders: readonly string[] = []): string[] {
  return [
    ...dataFolders.flatMap((folder) => ['-L', folder]),
    ...['-machine', 'q35,sata=off,usb=off,graphics=off', '-accel', 'kvm', '-cpu', 'host', '-m', '128M'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-chardev', 'socket,id=events,fd=4', '-serial', 'chardev:events'],
    ...['-kernel', kernel, '-append', 'console=ttyS0 panic=-1 no_timer_check'],
  ];
}
