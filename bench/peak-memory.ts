import { readFileSync } from 'node:fs';

/**
 * Most memory that this process has had resident at once, MB: VmHWM of proc_pid_status(5). What getrusage(2) says begins with
 * the memory of the process that started it, whose it is until execve(2).
 */
export function peakMegabytes(): number {
  const kibibytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return (Number(kibibytes) * 1024) / 1e6;
}
