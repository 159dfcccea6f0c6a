import { type JobArray, arrayName } from './engine.js';

/**
 * What no grid could run is a bug of who asks, not of the grid.
 *
 * @throws Error
 */
export function checkArray({ name, elements, command, logs, atOnce = 1, resources }: JobArray): void {
  const problem = (text: string) => new Error(`job array ${name}: ${text}`);
  if (!arrayName.test(name)) throw problem('no such name');
  for (const count of [elements, atOnce, resources.cpus, Math.ceil(resources.memory)])
    if (!Number.isSafeInteger(count) || count < 1) throw problem(`${count} is no number of anything`);
  if (!command[0]?.startsWith('/')) throw problem('the program has no absolute path');
  if (!logs.startsWith('/')) throw problem('the folder of logs has no absolute path');
  if ([...command, logs].some((word) => word.includes('\0'))) throw problem('a word with a NUL');
}
