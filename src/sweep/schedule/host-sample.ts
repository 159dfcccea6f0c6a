import { availableParallelism, freemem } from 'node:os';
import { groupLimits } from './control-groups.js';
import { type ReadHostFile, numberNamed, readHostFile } from './host-files.js';

/** The host as it is at one moment. */
export interface HostSample {
  /** CPUs' worth of time that this process may use; 1.5 is possible under a quota. */
  readonly cpus: number;
  /** Bytes that can be taken without swapping. */
  readonly memory: number;
  /** Of the host: the mean number of tasks that ran or wanted to, over a minute. */
  readonly load: number;
  /** Tasks that run or want to at this very moment, without the one that asks. */
  readonly runnable: number;
  /** Pages swapped in and out since the host's boot; undefined where it does not say. */
  readonly swapped: number | undefined;
}

/** Reads the host. What it does not tell limits nothing. */
export async function sampleHost(
  read: ReadHostFile = readHostFile,
  cpus = availableParallelism(),
): Promise<HostSample> {
  const [limits, meminfo, loadavg, vmstat] = await Promise.all([
    groupLimits(read),
    read('/proc/meminfo'),
    read('/proc/loadavg'),
    read('/proc/vmstat'),
  ]);
  const available = numberNamed(meminfo, 'MemAvailable');
  return {
    cpus: Math.min(cpus, limits.cpus),
    memory: Math.min(available === undefined ? freemem() : available * 1024, limits.memory),
    ...loads(loadavg),
    swapped: swappedPages(vmstat),
  };
}

/** proc_loadavg(5): three means, `runnable/existing` tasks, the last process number. */
function loads(text = ''): { load: number; runnable: number } {
  const [, load = '0', runnable = '1'] = /^([\d.]+) [\d.]+ [\d.]+ (\d+)\//.exec(text) ?? [];
  return { load: Number(load), runnable: Math.max(0, Number(runnable) - 1) };
}

function swappedPages(vmstat: string | undefined): number | undefined {
  const [into, out] = [numberNamed(vmstat, 'pswpin'), numberNamed(vmstat, 'pswpout')];
  return into === undefined || out === undefined ? undefined : into + out;
}
