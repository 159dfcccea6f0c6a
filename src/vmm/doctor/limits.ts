import { readFile } from 'node:fs/promises';
import type { HostLimits, LimitFacts } from '../../model/doctor.js';

/** Limits of this process; null where the system does not tell (it does on Linux). */
export async function readLimits(): Promise<HostLimits | null> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => undefined);
  return text === undefined ? null : parseLimits(text);
}

/** The limits of /proc/PID/limits (proc(5)): name, soft limit, hard limit, in columns. */
export function parseLimits(text: string): HostLimits {
  const limit = (name: string): LimitFacts => {
    const line = text.split('\n').find((each) => each.startsWith(`${name} `)) ?? '';
    const [soft, hard] = line.slice(name.length).trim().split(/\s+/);
    return { soft: numberOf(soft), hard: numberOf(hard) };
  };
  return {
    processes: limit('Max processes'),
    openFiles: limit('Max open files'),
    addressSpace: limit('Max address space'),
    fileSize: limit('Max file size'),
  };
}

const numberOf = (text = '') => (/^\d+$/.test(text) ? Number(text) : null);
