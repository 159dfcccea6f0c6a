import { performance } from 'node:perf_hooks';

/** Marks kept; a guest that says a lot must not fill our memory. */
const maxMarks = 200;
let marks = 0;

/**
 * Notes a moment of this process's life in the performance timeline, for `--profile` and for any tool that
 * reads it. Costs microseconds.
 *
 * @param at milliseconds since the start of this process; now where absent
 */
export function mark(name: string, at?: number): void {
  marks++;
  if (marks <= maxMarks) performance.mark(name, at === undefined ? {} : { startTime: Math.max(0, at) });
}

/** All moments in order: milliseconds since the start of the process, and since the moment before. */
export function profileTable(): string {
  const entries = performance.getEntriesByType('mark').sort((a, b) => a.startTime - b.startTime);
  let before = 0;
  const lines = entries.map(({ name, startTime }) => {
    const line = `${startTime.toFixed(1).padStart(9)} ${`+${(startTime - before).toFixed(1)}`.padStart(9)}  ${name}`;
    before = startTime;
    return line;
  });
  return ['       ms     since  moment', ...lines].join('\n');
}
