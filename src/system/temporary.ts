import { createHash, randomBytes } from 'node:crypto';
import { lstat, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type ProcessIdentity, bootOf, ownIdentity, processIdentity } from './process-identity.js';

// `.NAME.MARK.tmp`: the mark tells who makes the file. All of it is in the name, so that it is there from the first moment
// on, whatever kind of file it is. Hexadecimal digits: 8 each of the digests of the host's boot, the process namespace and
// the machine, 6 of the process number, 10 of its start, 8 at random.
const mark = /^([0-9a-f]{8})([0-9a-f]{8})([0-9a-f]{8})([0-9a-f]{6})([0-9a-f]{10})[0-9a-f]{8}\.tmp$/;

/** Bytes of the name of a file that stand in that of its temporary one. A name has 255 at most. */
const mostOfName = 190;

/** A unique name beside `path`, on the same file system, for work that a rename then publishes. */
export function temporarySibling(path: string): string {
  const name = `${prefixOf(path)}${markOf(ownIdentity())}${randomBytes(4).toString('hex')}.tmp`;
  return join(dirname(path), name);
}

/**
 * Removes what processes have left beside `path` that were killed before they could publish it or remove it. What is of a
 * living process stays, and so does what cannot be judged from here, or is another user's.
 *
 * @param remove of one of them, where that takes more than a user's own rights
 */
export async function removeAbandonedSiblings(path: string, remove = removeTree): Promise<void> {
  const folder = dirname(path);
  const prefix = prefixOf(path);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(prefix) || !(await isAbandoned(name.slice(prefix.length)))) continue;
    const info = await lstat(join(folder, name)).catch(() => undefined);
    // Whoever may not remove it leaves it to its owner.
    if (info?.uid === process.getuid?.()) await remove(join(folder, name)).catch(() => undefined);
  }
}

const removeTree = (path: string): Promise<void> => rm(path, { recursive: true, force: true });

const prefixOf = (path: string) => `.${Buffer.from(basename(path)).subarray(0, mostOfName).toString()}.`;

function markOf({ pid, start, realm, machine }: ProcessIdentity): string {
  const digests = [bootOf(realm), realm, machine].map(shortDigest).join('');
  return digests + hex(pid, 6) + hex(Number(start), 10);
}

/** Of this machine and boot, a process that is not there; of this machine and another boot, every one. */
async function isAbandoned(text: string): Promise<boolean> {
  const [, boot, realm, machine, pid, start] = mark.exec(text) ?? [];
  if (pid === undefined || start === undefined) return false;
  const own = ownIdentity();
  if (own.start === '') return false;
  if (realm === shortDigest(own.realm)) {
    const there = await processIdentity(parseInt(pid, 16));
    return there === undefined || hex(Number(there.start), 10) !== start;
  }
  return (
    boot !== shortDigest(bootOf(own.realm)) && own.machine !== '' && machine === shortDigest(own.machine)
  );
}

const shortDigest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 8);
const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
