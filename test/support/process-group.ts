import { readFile, readdir } from 'node:fs/promises';

/** Numbers of the processes of a group that still run; who is dead but not yet reaped does not. */
export async function groupMembers(group: number): Promise<number[]> {
  const members: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => '');
    // After the command, in parentheses: state, parent, group (proc(5)).
    const [state = 'X', , id] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    if (Number(id) === group && !/[ZX]/.test(state)) members.push(Number(name));
  }
  return members;
}
