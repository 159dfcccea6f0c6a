import { shellWord } from '../system/shell-word.js';
import type { JobArray } from './engine.js';

/**
 * What becomes an element's command, as lines of POSIX shell: the folder, what the site needs first, and the command in
 * the shell's place, so that signals come to it.
 */
export function elementScript({ command, options }: Pick<JobArray, 'command' | 'options'>): string[] {
  return ['cd / || exit', ...setupLines(options.setup), `exec ${command.map(shellWord).join(' ')}`];
}

/** `module` is a function of login shells. */
function setupLines(setup: string | undefined): string[] {
  if (setup === undefined || setup.trim() === '') return [];
  return [
    '[ ! -r /etc/profile ] || . /etc/profile',
    '{',
    setup.trim(),
    "} || { echo 'gva: the setup of this site (grid.setup) failed' >&2; exit 78; }",
  ];
}
