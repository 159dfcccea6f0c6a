import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Processors that are busy on average over some seconds. */
export async function busyProcessors(seconds = 2): Promise<number> {
  const before = await busySeconds();
  const start = performance.now();
  await sleep(seconds * 1000);
  return (((await busySeconds()) - before) / (performance.now() - start)) * 1000;
}

/** Waits until the host does little else, but not for ever. @returns how many processors are busy */
export async function quietHost(most: number, patience = 60): Promise<number> {
  const end = performance.now() + patience * 1000;
  for (;;) {
    const busy = await busyProcessors();
    if (busy <= most || performance.now() > end) return busy;
  }
}

/** Seconds that the host's processors were not idle since its boot: proc_stat(5), in hundredths. */
export async function busySeconds(): Promise<number> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / 100;
}
