import { readFile } from 'node:fs/promises';
import { ExitCode, GvaError } from '../system/errors.js';
import { findProgram } from '../system/process.js';
import type { Placement } from './driver.js';
import type { VmmCommand } from './supervisor.js';

/**
 * The command, kept on the CPUs that the placement names. By taskset (util-linux, on every Linux), because Node
 * cannot set an affinity: it is inherited by each thread, also those that a VMM starts later, and needs no
 * privilege.
 *
 * @throws GvaError PLACEMENT where this process may not use one of them
 */
export async function onHostCpus(command: VmmCommand, { hostCpus }: Placement): Promise<VmmCommand> {
  if (hostCpus === undefined) return command;
  const program = await findProgram('taskset');
  if (program === undefined)
    throw placementError('the program taskset is not installed', 'Install it: apt-get install util-linux');
  await checkAllowed(hostCpus);
  return { ...command, ...tasksetCommand(program, hostCpus, command) };
}

export function tasksetCommand(
  taskset: string,
  hostCpus: readonly number[],
  { program, args }: VmmCommand,
): VmmCommand {
  return { program: taskset, args: ['-c', hostCpus.join(','), program, ...args] };
}

/** The kernel would silently leave out what a grid engine's cpuset has not. */
async function checkAllowed(hostCpus: readonly number[]): Promise<void> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const list = /^Cpus_allowed_list:\s*(\S*)$/m.exec(status)?.[1] ?? '';
  const allowed = parseCpuList(list);
  const others = hostCpus.filter((cpu) => !allowed.has(cpu));
  if (others.length > 0 || hostCpus.length === 0)
    throw placementError(
      `this process may not use the CPU ${others.join(', ') || '(none named)'}`,
      `It may use ${list || 'none'}.`,
    );
}

/** The kernel's notation of a set: `0-3,8` (proc(5), Cpus_allowed_list). */
export function parseCpuList(text: string): Set<number> {
  const cpus = new Set<number>();
  for (const range of text.split(',').filter(Boolean)) {
    const [first = NaN, last = first] = range.split('-').map(Number);
    for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu);
  }
  return cpus;
}

const placementError = (message: string, hint: string) =>
  new GvaError('PLACEMENT', `cannot place the machine: ${message}`, {
    exitCode: ExitCode.infrastructure,
    hint,
  });
