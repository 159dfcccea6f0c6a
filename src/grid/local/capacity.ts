import { sampleHost } from '../../sweep/schedule/host-sample.js';
import type { LocalCapacity } from './spooler.js';

/** What this machine, or the part of it that is ours, has for jobs at present. */
export async function hostCapacity(): Promise<LocalCapacity> {
  const { cpus, memory } = await sampleHost();
  return { cpus: Math.max(1, Math.floor(cpus)), memory };
}
