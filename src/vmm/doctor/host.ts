import { readFile, readdir } from 'node:fs/promises';
import { arch, availableParallelism, cpus, freemem, platform, release, totalmem } from 'node:os';
import type { BaseFacts, HostFacts, ToolFacts } from '../../model/doctor.js';
import { findBase } from '../../base/store.js';
import { GvaError } from '../../system/errors.js';
import { basesFolder } from '../../system/paths.js';
import { findProgram } from '../../system/process.js';
import { qemuPrograms } from '../qemu/installation.js';
import { virtualisationExtension } from '../qemu/kvm-device.js';
import { ask } from './ask.js';

export async function lookAtHost(): Promise<Omit<HostFacts, 'sandbox'>> {
  const all = cpus();
  // 0 or more than there is: no limit of a control group.
  const limit = process.constrainedMemory();
  return {
    platform: platform(),
    arch: arch(),
    kernel: release(),
    cpu: all[0]?.model.trim() ?? 'unknown',
    cpus: { usable: availableParallelism(), all: all.length },
    memory: {
      total: totalmem(),
      free: freemem(),
      limit: limit > 0 && limit < totalmem() ? limit : null,
    },
    virtualisation: virtualisationExtension(await readFile('/proc/cpuinfo', 'utf8').catch(() => '')),
    userNamespaces: await worksWhereThere('unshare', ['--user', 'true']),
    bubblewrap: await worksWhereThere('bwrap', ['--unshare-user', '--ro-bind', '/', '/', 'true']),
  };
}

/** Whether a trial of a program ends well; null where it is not installed. */
async function worksWhereThere(name: string, args: readonly string[]): Promise<boolean | null> {
  const program = await findProgram(name);
  return program === undefined ? null : (await ask(program, args)).status === 0;
}

const tools: readonly Pick<ToolFacts, 'name' | 'neededFor'>[] = [
  { name: 'mke2fs', neededFor: 'run' },
  ...['apt-get', 'apt-cache', 'dpkg-deb', 'lz4', 'xz', 'zstd'].map((name) => ({
    ...{ name, neededFor: 'base' as const },
  })),
  { name: qemuPrograms.aarch64.name, neededFor: 'arm64' },
];

export async function lookAtTools(): Promise<ToolFacts[]> {
  return Promise.all(
    tools.map(async (tool) => {
      const path = (await findProgram(tool.name)) ?? null;
      const asked = path !== null && tool.name === 'mke2fs' ? await ask(path, ['-V']) : undefined;
      const version = /mke2fs (\d\S*)/.exec(asked?.text ?? '')?.[1] ?? null;
      return { ...tool, path, version };
    }),
  );
}

export async function lookAtBases(): Promise<BaseFacts[]> {
  const names = await readdir(basesFolder()).catch(() => []);
  const facts = await Promise.all(names.sort().map((name) => lookAtBase(name)));
  return facts.flatMap((fact) => fact ?? []);
}

async function lookAtBase(name: string): Promise<BaseFacts | undefined> {
  const unusable = { digest: null, kernelRelease: null, umlRelease: null };
  try {
    const base = await findBase(name);
    if (!base) return undefined;
    const { digest, kernelRelease, umlRelease = null } = base;
    return { name, digest, kernelRelease, umlRelease, problem: null };
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    return { name, ...unusable, problem: error.message };
  }
}
