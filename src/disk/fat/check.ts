import { visitNodes, type DirectoryNode, type MediumNode, type MediumProblems } from '../medium-tree.js';
import { foldCase, nameProblem } from './names.js';

/**
 * A size is a 32-bit number (FAT specification, "Directory Structure"). The chain must be shorter than 4 GiB too,
 * with the largest clusters there are: fsck.fat counts its bytes in 32 bits and would cut the file to nothing.
 */
const maxFileSize = 2 ** 32 - 32 * 1024;
const firstYear = 1980;
const lastYear = 2107;

/** A label that every system shows as it is: upper case, and no character that a short name cannot have. */
export function checkVolume(label: string, date: Date, problems: MediumProblems): void {
  if (!/^[A-Z0-9$%'\-_@~`!(){}^#&]([A-Z0-9$%'\-_@~`!(){}^#& ]{0,9}[A-Z0-9$%'\-_@~`!(){}^#&])?$/.test(label)) {
    problems.addGeneral(
      `the label ${JSON.stringify(label)} must have 1 to 11 upper case letters, digits, spaces or $%'-_@~\`!(){}^#&`,
    );
  }
  const year = date.getUTCFullYear();
  if (!(year >= firstYear && year <= lastYear)) {
    problems.addGeneral(`the year of the date must be from ${firstYear} to ${lastYear}`);
  }
}

/** Reports what FAT cannot hold, wherever there may be room for it. */
export function findUnstorable(root: DirectoryNode, problems: MediumProblems): void {
  const names = new Map<DirectoryNode, Map<string, string>>();
  visitNodes(root, (node, parent) => {
    let others = names.get(parent);
    if (others === undefined) names.set(parent, (others = new Map<string, string>()));
    const folded = foldCase(node.name);
    const twin = others.get(folded);
    others.set(folded, twin ?? node.path);
    const reason = unstorableReason(node);
    if (reason !== undefined) problems.add(node.path, reason);
    if (twin !== undefined)
      problems.add(node.path, `the name differs only by case from ${JSON.stringify(twin)}`);
  });
}

function unstorableReason(node: MediumNode): string | undefined {
  if (node.kind === 'symlink') return 'FAT has no symbolic links';
  if (node.kind === 'file' && node.size > maxFileSize) {
    return `${node.size} bytes are more than a file on a FAT medium can have (4 GiB - 32 KiB)`;
  }
  return nameProblem(node.name);
}
