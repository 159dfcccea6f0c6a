import { bytesOfPrintable, type Report } from './findings.js';
import type { FileTree, TreeNode } from './tree.js';

/**
 * The object at a path from the root, its names separated by `/` and written as `printable` writes them;
 * undefined where there is none. Symbolic links are not followed.
 *
 * @param step called between directories and between blocks of one, as the time may be limited
 */
export async function lookUp<Node extends TreeNode>(
  tree: FileTree<Node>,
  path: string,
  report: Report,
  step: () => Promise<void> = () => Promise.resolve(),
): Promise<Node | undefined> {
  let node: Node | undefined = tree.root;
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (node?.kind !== 'directory') return undefined;
    node = await findChild(tree, node, bytesOfPrintable(part), report, step);
  }
  return node;
}

async function findChild<Node extends TreeNode>(
  tree: FileTree<Node>,
  directory: Node,
  name: Buffer,
  report: Report,
  step: () => Promise<void>,
): Promise<Node | undefined> {
  for await (const entries of tree.readDirectory(directory, report)) {
    await step();
    const entry = entries.find((candidate) => candidate.name.equals(name));
    if (entry) return tree.stat(entry.id, report);
  }
  return undefined;
}
