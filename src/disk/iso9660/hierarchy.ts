import type { DirectoryNode, FileNode, MediumNode, SymlinkNode } from '../medium-tree.js';
import { assignUniqueNames } from '../unique-names.js';
import { ucs2 } from './fields.js';
import { jolietRule, primaryDirectoryRule, primaryFileRule, sortKey } from './names.js';

/** A directory of one of the two hierarchies: the primary one (with Rock Ridge) or that of Joliet. */
export interface DirectoryPlan {
  node: DirectoryNode;
  /** Identifier in the parent and in the path table; one zero byte for the root. */
  identifier: Buffer;
  /** The root is its own parent. */
  parent: DirectoryPlan;
  /** Position in the path table, from 1. */
  number: number;
  /** First the directory itself and its parent, then the children in order of their identifiers. */
  records: RecordPlan[];
  /** First sector, and length in bytes (a whole number of sectors); set when the volume is laid out. */
  sector: number;
  length: number;
}

export interface RecordPlan {
  identifier: Buffer;
  target: DirectoryPlan | FileNode | SymlinkNode;
  systemUse: Buffer;
}

/** Names and encodes the children of a directory, in the order of their records (ECMA-119 9.3). */
export type Namer = (directory: DirectoryNode) => { node: MediumNode; identifier: Buffer }[];

/**
 * All directories of a hierarchy in path table order (ECMA-119 6.9.1): by level, then by parent, then by identifier,
 * which is breadth first. Nothing is relocated however deep it lies, although 6.8.2.1 allows 8 levels: readers of
 * Rock Ridge, Linux among them, and of Joliet do not count.
 */
export function planHierarchy(root: DirectoryNode, namer: Namer): DirectoryPlan[] {
  const directories: DirectoryPlan[] = [];
  const rootPlan = addDirectory(directories, root, Buffer.from([0]));
  directories.push(rootPlan);
  for (const directory of directories) {
    for (const { node, identifier } of namer(directory.node)) {
      if (node.kind !== 'directory') {
        directory.records.push({ identifier, target: node, systemUse: none });
        continue;
      }
      const plan = addDirectory(directories, node, identifier, directory);
      directories.push(plan);
      directory.records.push({ identifier, target: plan, systemUse: none });
    }
  }
  return directories;
}

/** Names of the primary hierarchy: files and links as `NAME.EXT;1`, directories as `NAME`. */
export const primaryNamer: Namer = (directory) => {
  const children = [...directory.children.values()];
  const directories = children.filter(({ kind }) => kind === 'directory');
  const files = children.filter(({ kind }) => kind !== 'directory');
  const names = new Map([
    ...assignUniqueNames(namesOf(directories), primaryDirectoryRule),
    ...assignUniqueNames(namesOf(files), primaryFileRule),
  ]);
  return identified(children, names, (text) => Buffer.from(text, 'latin1'));
};

/** Names of the Joliet hierarchy, which has no symbolic links. */
export const jolietNamer: Namer = (directory) => {
  const children = [...directory.children.values()].filter(({ kind }) => kind !== 'symlink');
  return identified(children, assignUniqueNames(namesOf(children), jolietRule), ucs2);
};

const none = Buffer.alloc(0);

function addDirectory(
  before: readonly DirectoryPlan[],
  node: DirectoryNode,
  identifier: Buffer,
  parent?: DirectoryPlan,
): DirectoryPlan {
  const number = before.length + 1;
  const plan = { node, identifier, number, records: [] as RecordPlan[], sector: 0, length: 0 };
  const directory: DirectoryPlan = Object.assign(plan, { parent: parent ?? (plan as DirectoryPlan) });
  directory.records.push(
    { identifier: Buffer.from([0]), target: directory, systemUse: none },
    { identifier: Buffer.from([1]), target: directory.parent, systemUse: none },
  );
  return directory;
}

function namesOf(nodes: readonly MediumNode[]): string[] {
  return nodes.map(({ name }) => name);
}

function identified(
  children: readonly MediumNode[],
  names: ReadonlyMap<string, string>,
  encode: (text: string) => Buffer,
): { node: MediumNode; identifier: Buffer }[] {
  return children
    .map((node) => {
      const name = names.get(node.name) ?? node.name;
      return { node, name, key: sortKey(name) };
    })
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ node, name }) => ({ node, identifier: encode(node.kind === 'directory' ? name : `${name};1`) }));
}
