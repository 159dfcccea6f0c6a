/** `0-3,7`: the numbers, ascending, as Slurm writes a set of elements. */
export function formatElements(elements: readonly number[]): string {
  const sorted = [...new Set(elements)].sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const element of sorted) {
    const last = ranges.at(-1);
    if (last?.[1] === element - 1) last[1] = element;
    else ranges.push([element, element]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}

/** More in one set is no set of elements: MaxArraySize is 4,000,001 at most (slurm.conf(5)). */
const most = 4_000_001;

/**
 * The numbers of `7`, `0-3,7`, `[0-8:2%4]`. A set that was cut ends in `...`, and perhaps in half a number before that:
 * what is not there, is not in the answer. Undefined where it is no such set.
 */
export function parseElements(text: string): number[] | undefined {
  if (/^\d+$/.test(text)) return [Number(text)];
  const inner = /^\[?([0-9,:.-]+?)(?:%\d+)?\]?$/.exec(text)?.[1];
  if (inner === undefined) return undefined;
  const elements: number[] = [];
  for (const part of inner.split(',')) {
    if (part.endsWith('...')) break;
    const match = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(part);
    if (!match) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? first);
    const step = Number(match[3] ?? 1);
    if (step < 1 || (last - first) / step + elements.length >= most) return undefined;
    for (let element = first; element <= last; element += step) elements.push(element);
  }
  return elements;
}
