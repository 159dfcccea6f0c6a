import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { GvaError, errnoOf, ExitCode, messageOf } from '../../system/errors.js';
import { printable, type Report } from '../findings.js';
import type { TreeNode } from '../tree.js';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = fs.constants;
const writeInPool = promisify(fs.write);

/** Below this many bytes a blocking write beats a trip to the thread pool. */
const BLOCKING_WRITE = 128 * 1024;

/** Every bit but set-uid, set-gid and sticky. */
const PLAIN_MODE = 0o777;

/** The host can write no more: ends the extraction as EXTRACT_WRITE, never a finding. */
export class HostFailure extends Error {
  toGvaError(target: string): GvaError {
    return new GvaError('EXTRACT_WRITE', `cannot write into ${target}: ${safeMessage(this)}`, {
      hint: 'What was brought out until then is there.',
      cause: this.cause,
      exitCode: ExitCode.infrastructure,
    });
  }
}

/** What came of an attempt to make something: `exists` where the name is taken, `refused` where the host takes no such name. */
export type Made = 'made' | 'exists' | 'refused';

export function makeDirectory(path: Buffer): Made {
  return attempt(() => fs.mkdirSync(path, { mode: 0o700 }));
}

export function makeSymlink(target: Buffer, path: Buffer): Made {
  return attempt(() => fs.symlinkSync(target, path));
}

export function makeHardLink(existing: Buffer, path: Buffer): Made {
  try {
    fs.linkSync(existing, path);
    return 'made';
  } catch (error) {
    // Whatever else the host has against it (number of links, kind of file system): a copy will do.
    return errnoOf(error) === 'EEXIST' ? 'exists' : 'refused';
  }
}

/** Makes a file, opens it for writing, and gives its descriptor. Never opens what exists, nor through a link. */
export function makeFile(path: Buffer): number | Exclude<Made, 'made'> {
  let descriptor = -1;
  const made = attempt(() => {
    descriptor = fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  });
  return made === 'made' ? descriptor : made;
}

function attempt(make: () => void): Made {
  try {
    make();
    return 'made';
  } catch (error) {
    const code = errnoOf(error) ?? '';
    if (code === 'EEXIST') return 'exists';
    if (REFUSED.has(code)) return 'refused';
    throw new HostFailure(messageOf(error), { cause: error });
  }
}

/** What became of an entry; `skipped` ones have their finding. */
export type Outcome = 'made' | 'exists' | 'skipped';

export function refused(report: Report): Outcome {
  report('NAME_HOST', 'the host takes no such name here: skipped');
  return 'skipped';
}

/** Errors that speak of this name, not of the state of the host; EPERM where a file system has no symbolic links. */
const REFUSED = new Set(['ENAMETOOLONG', 'EILSEQ', 'EINVAL', 'EPERM']);

/** Writes all of `data`; throws EFBIG as it is (the file's fault), anything else as HostFailure. */
export async function writeAt(descriptor: number, data: Buffer, offset: number): Promise<void> {
  try {
    for (let done = 0; done < data.length;) {
      const length = data.length - done;
      const position = offset + done;
      done +=
        length <= BLOCKING_WRITE
          ? fs.writeSync(descriptor, data, done, length, position)
          : (await writeInPool(descriptor, data, done, length, position)).bytesWritten;
    }
  } catch (error) {
    if (errnoOf(error) === 'EFBIG') throw error;
    throw new HostFailure(messageOf(error), { cause: error });
  }
}

/** Bytes that were not written become a hole. */
export function setSize(descriptor: number, size: number, report: Report): void {
  withReport(report, () => fs.ftruncateSync(descriptor, size));
}

/** Sets mode and time of a file that is complete, each as far as the host goes along. */
export function finishFile(descriptor: number, node: TreeNode, report: Report): void {
  withReport(report, () => fs.fchmodSync(descriptor, plainMode(node, report)));
  withReport(report, () => fs.futimesSync(descriptor, timeOf(node), timeOf(node)));
}

/** Sets mode and time of a directory into which nothing more is written. Its owner can always delete it. */
export function finishDirectory(path: Buffer, node: DirectoryAttributes, report: Report): void {
  withReport(report, () => fs.chmodSync(path, node.permissions | 0o700));
  withReport(report, () => fs.utimesSync(path, timeOf(node), timeOf(node)));
}

export type DirectoryAttributes = Pick<TreeNode, 'permissions' | 'mtime'>;

export function finishSymlink(path: Buffer, node: TreeNode, report: Report): void {
  withReport(report, () => fs.lutimesSync(path, timeOf(node), timeOf(node)));
}

export function plainMode({ permissions }: TreeNode, report: Report): number {
  if (permissions !== (permissions & PLAIN_MODE)) {
    report('MODE_STRIPPED', `the mode ${permissions.toString(8)} loses its set-uid, set-gid and sticky bits`);
  }
  return permissions & PLAIN_MODE;
}

/** Node takes a negative number for "now", but not a date before 1970. */
function timeOf({ mtime }: Pick<TreeNode, 'mtime'>): number | Date {
  return mtime < 0 ? new Date(mtime * 1000) : mtime;
}

function withReport(report: Report, action: () => void): void {
  try {
    action();
  } catch (error) {
    report('HOST_WRITE', safeMessage(error));
  }
}

/** Node's messages have paths in them, whose names the guest chose. */
function safeMessage(error: unknown): string {
  return printable(Buffer.from(messageOf(error)));
}
