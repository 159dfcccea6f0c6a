import { join } from 'node:path';
import type { Base } from '../../base/store.js';
import type { Measurements, SandboxFacts, Speeds, VmmFinding } from '../../model/doctor.js';
import { messageOf } from '../../system/errors.js';
import { ensureFolder, readTextIfExists, writeFileAtomically } from '../../system/files.js';
import { guestFile, packageVersion } from '../../system/package.js';
import { probeFiles, probesFolder } from '../../system/paths.js';
import { kvmDevice } from '../qemu/kvm-device.js';
import { probeKey } from '../qemu/kvm-probe.js';
import { relativeSpeeds } from './answers.js';
import { type Bench, accelerators, judge } from './candidates.js';
import { type Programs, lookForPrograms } from './programs.js';
import { lookAtSandbox } from './sandbox.js';
import { type TrialLimits, defaultLimits, runTrial } from './trial.js';
import { type TrialFiles, makeTrialFiles } from './trial-files.js';

export interface MeasureOptions {
  /** The base that guests are tried with; undefined where there is none. */
  readonly base: Base | undefined;
  /** Folder with a QEMU of the user's own. */
  readonly qemu?: string | undefined;
  /** Measures again what is known. */
  readonly fresh: boolean;
  /** Told what is being done. */
  readonly say: (step: string) => void;
  readonly limits?: TrialLimits;
  readonly signal?: AbortSignal;
}

export interface Measured {
  readonly measurements: Measurements;
  readonly fromCache: boolean;
}

/**
 * What this host can run guests with, and how fast; as it is known for this boot of the host, these programs and
 * this base, or measured now, one candidate after another.
 */
export async function measure(options: MeasureOptions): Promise<Measured> {
  const programs = await lookForPrograms(options.qemu);
  const sandbox = await lookAtSandbox(programs, options.fresh);
  const file = join(probesFolder(), probeFiles.doctor(await cacheKey(options.base, programs, sandbox)));
  const known = options.fresh ? undefined : await readMeasurements(file);
  if (known) return { measurements: known, fromCache: true };
  const measurements = await measureNow(programs, options);
  // Without a base nothing was measured; what refused or hung may do better the next time.
  if (measurements.vmms.every(isLasting)) await keep(file, measurements).catch(() => undefined);
  return { measurements, fromCache: false };
}

/** `hangs` is lasting under KVM only, where kvm-probe.ts keeps it as well. */
function isLasting({ verdict, accelerator }: VmmFinding): boolean {
  if (verdict === 'hangs') return accelerator === 'kvm';
  return verdict === 'works' || verdict === 'missing' || (verdict === 'refused' && accelerator === 'kvm');
}

async function cacheKey(
  base: Base | undefined,
  { qemu, uml }: Programs,
  sandbox: SandboxFacts,
): Promise<string> {
  const programs = [qemu, uml].flatMap(({ found }) => found?.program ?? []);
  const device = await kvmDevice();
  return probeKey(
    [...programs, guestFile('doctor/init'), guestFile('doctor/speed')],
    ...[packageVersion(), JSON.stringify(programs), base?.digest ?? '', JSON.stringify([device, sandbox])],
  );
}

/** Undefined where there are none, or none that this version can read: the cache is only that. */
async function readMeasurements(file: string): Promise<Measurements | undefined> {
  const text = await readTextIfExists(file).catch(() => undefined);
  try {
    const value = JSON.parse(text ?? '{}') as Partial<Measurements>;
    if (value.format === 'gva-measurements/1' && Array.isArray(value.vmms)) return value as Measurements;
  } catch {
    // Measured again.
  }
  return undefined;
}

async function keep(file: string, measurements: Measurements): Promise<void> {
  await ensureFolder(probesFolder());
  await writeFileAtomically(file, JSON.stringify(measurements));
}

async function measureNow(programs: Programs, options: MeasureOptions): Promise<Measurements> {
  const { base, fresh, say, limits = defaultLimits, signal } = options;
  const trial = await trialFiles(base);
  await using files = trial.files;
  if (files) say('this host itself');
  const native = files ? await nativeSpeeds(files, limits, signal) : null;
  const bench: Bench = { ...programs, files, base, untried: trial.problem, limits, fresh, signal };
  const vmms: VmmFinding[] = [];
  for (const accelerator of accelerators()) {
    if (files) say(accelerator === 'native' ? 'User-mode Linux' : `QEMU with ${accelerator.toUpperCase()}`);
    const finding = await judge(accelerator, bench);
    const relative = finding.speeds && native ? relativeSpeeds(finding.speeds, native) : null;
    vmms.push({ ...finding, relative });
  }
  return { format: 'gva-measurements/1', measuredAt: new Date().toISOString(), native, vmms };
}

async function trialFiles(
  base: Base | undefined,
): Promise<{ files: TrialFiles | undefined; problem: string }> {
  if (!base) return { files: undefined, problem: 'it cannot be tried without a base image' };
  try {
    return { files: await makeTrialFiles(base), problem: '' };
  } catch (error) {
    return { files: undefined, problem: `it could not be tried: ${messageOf(error)}` };
  }
}

/** The same script by the same busybox, without a machine around it; null where it cannot run there. */
async function nativeSpeeds(
  { busybox }: TrialFiles,
  limits: TrialLimits,
  signal?: AbortSignal,
): Promise<Speeds | null> {
  const script = 'exec "$0" sh "$1" "$0" >&4';
  const command = { program: busybox, args: ['sh', '-c', script, busybox, guestFile('doctor/speed')] };
  const outcome = await runTrial(command, limits, signal);
  return outcome.kind === 'answered' ? outcome.speeds : null;
}
