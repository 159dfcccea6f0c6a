import { createHash, randomBytes } from 'node:crypto';
import { lstat, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type ProcessIdentity, bootOf, ownIdentity, processIdentity } from './process-identity.js';

// `.NAME.MARK.tmp`: the mark tells who makes the file. All of it is in the name, so that it is there from the first moment
// on, whatever kind of file it is. Hexadecimal digits: 8 each of the digests of the host's boot, the process namespace and
// the machine, 6 of the process number, 10 of its start, 8 at random.
const mark = /^([0-9a-f]{8})([0-9a-f]{8})([0-9a-f]{8})([0-9a-f]{6})([0-9a-f]{10})[0-9a-f]{8}\.tmp$/;
/** Characters of a mark, with its ending. */
const markLength = 4 * 8 + 6 + 10 + '.tmp'.length;

/** Bytes of the name of a file that stand in that of its temporary one. A name has 255 at most. */
const mostOfName = 190;

/** A unique name beside `path`, on the same file system, for work that a rename then publishes. */
export function temporarySibling(path: string): string {
  const name = `${prefixOf(path)}${markOf(ownIdentity())}${randomBytes(4).toString('hex')}.tmp`;
  return join(dirname(path), name);
}

/** The same, after what processes left there that were killed has been removed. */
export async function freshSibling(path: string): Promise<string> {
  await removeAbandonedSiblings(path);
  return temporarySibling(path);
}

/**
 * Removes what processes have left beside `path` that were killed before they could publish it or remove it. What is of a
 * living process stays, and so does what cannot be judged from here, or is another user's.
 *
 * @param remove of one of them, where that takes more than a user's own rights
 */
export async function removeAbandonedSiblings(path: string, remove = removeTree): Promise<void> {
  const prefix = prefixOf(path);
  await removeDead(
    dirname(path),
    (name) => name.startsWith(prefix) && isMark(name.slice(prefix.length)),
    remove,
  );
}

/** The same of everything in a folder, which is of GVA alone. */
export async function removeAbandonedIn(folder: string): Promise<void> {
  await removeDead(folder, (name) => name.startsWith('.'), removeTree);
}

type Remove = (path: string) => Promise<void>;

async function removeDead(folder: string, isMeant: (name: string) => boolean, remove: Remove): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter(isMeant)) {
    if ((await judgeTemporary(name)) !== 'dead') continue;
    const info = await lstat(join(folder, name)).catch(() => undefined);
    // Whoever may not remove it leaves it to its owner.
    if (info?.uid === process.getuid?.()) await remove(join(folder, name)).catch(() => undefined);
  }
}

const isMark = (text: string) => mark.test(text);

const removeTree = (path: string): Promise<void> => rm(path, { recursive: true, force: true });

const prefixOf = (path: string) => `.${Buffer.from(basename(path)).subarray(0, mostOfName).toString()}.`;

function markOf({ pid, start, realm, machine }: ProcessIdentity): string {
  const digests = [bootOf(realm), realm, machine].map(shortDigest).join('');
  return digests + hex(pid, 6) + hex(Number(start), 10);
}

/** Whether the process still lives that makes what has this temporary name; by no clock. */
export const judgeTemporary = (name: string) => judgeMark(name.slice(-markLength));

async function judgeMark(text: string): Promise<'alive' | 'dead' | 'unknown'> {
  const [, boot, realm, machine, pid, start] = mark.exec(text) ?? [];
  const own = ownIdentity();
  if (pid === undefined || start === undefined || own.start === '') return 'unknown';
  if (realm === shortDigest(own.realm)) {
    const there = await processIdentity(parseInt(pid, 16));
    return there && hex(Number(there.start), 10) === start ? 'alive' : 'dead';
  }
  // Of another boot of this very machine, every one is gone.
  const restarted = boot !== shortDigest(bootOf(own.realm));
  return restarted && own.machine !== '' && machine === shortDigest(own.machine) ? 'dead' : 'unknown';
}

const shortDigest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 8);
const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
