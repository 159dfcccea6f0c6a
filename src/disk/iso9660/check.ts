import { visitNodes, type DirectoryNode, type MediumNode, type MediumProblems } from '../medium-tree.js';
import { firstYear, lastYear } from './fields.js';

/** The length of a file is a 32-bit number (ECMA-119 9.1.4). */
const maxFileSize = 2 ** 32 - 1;
/** Linux cuts a longer Rock Ridge name (get_rock_ridge_filename in fs/isofs/rock.c). */
const maxNameBytes = 253;
/** PATH_MAX of Linux without its NUL. */
const maxTargetBytes = 4095;
/** Numbers of parents in a path table are 16-bit (ECMA-119 9.4.4). */
const maxDirectories = 0xffff;

/** Printable ASCII is more than the d-characters of ECMA-119 8.4.6, and all readers take it. */
export function checkVolume(volumeId: string, date: Date, problems: MediumProblems): void {
  if (!/^[ -~]{1,32}$/.test(volumeId)) {
    problems.addGeneral(
      `the volume identifier ${JSON.stringify(volumeId)} must have 1 to 32 printable ASCII characters`,
    );
  }
  const year = date.getUTCFullYear();
  if (!(year >= firstYear && year <= lastYear)) {
    problems.addGeneral(`the year of the date must be from ${firstYear} to ${lastYear}`);
  }
}

/** Reports what ISO 9660 with Rock Ridge cannot hold or its readers would change. */
export function findUnstorable(root: DirectoryNode, problems: MediumProblems): void {
  let directories = 1;
  visitNodes(root, (node) => {
    if (node.kind === 'directory') directories++;
    const reason = unstorableReason(node);
    if (reason !== undefined) problems.add(node.path, reason);
  });
  if (directories > maxDirectories)
    problems.addGeneral(`there are ${directories} directories, over ${maxDirectories}`);
}

function unstorableReason(node: MediumNode): string | undefined {
  if (Buffer.byteLength(node.name) > maxNameBytes) {
    return `the name is longer than ${maxNameBytes} bytes, which Linux would cut on an ISO 9660 medium`;
  }
  if (node.kind === 'file' && node.size > maxFileSize) {
    return `${node.size} bytes are more than a file on an ISO 9660 medium can have (4 GiB - 1)`;
  }
  if (node.kind === 'symlink' && Buffer.byteLength(node.target) > maxTargetBytes) {
    return `the target of the symbolic link is longer than ${maxTargetBytes} bytes`;
  }
  return undefined;
}
