import { ociLayerError } from './errors.js';

/** Owner and modes of an object. */
export interface NodeAttributes {
  /** The low 12 bits of the mode. */
  readonly permissions: number;
  readonly uid: number;
  readonly gid: number;
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

/** Where the bytes of a file are. */
export type NodeContent =
  { readonly file: string; readonly at: number; readonly size: number } | { readonly bytes: Buffer };

export interface FileNode extends NodeAttributes {
  readonly kind: 'file';
  readonly content: NodeContent;
}
export interface LinkNode extends NodeAttributes {
  readonly kind: 'symlink';
  readonly target: string;
}
export interface FolderNode extends NodeAttributes {
  readonly kind: 'folder';
  readonly entries: Map<string, TreeNode>;
}
export type TreeNode = FileNode | LinkNode | FolderNode;

const plain: NodeAttributes = { permissions: 0o755, uid: 0, gid: 0, xattrs: new Map() };

/** As the kernel has it (ELOOP). */
const mostLinks = 40;

/**
 * The root file system that the layers of an image make, in memory; the bytes of its files stay where they are. Paths are
 * those of the image, and symbolic links are followed within it: there is no way out of it, whatever a layer says. Of two
 * names of one file both have the same node.
 */
export class ImageTree {
  #root: FolderNode = folderNode();

  get root(): FolderNode {
    return this.#root;
  }

  /** Puts an object in its place; a folder that is there keeps its content. Folders above it are made. */
  place(path: string, node: TreeNode): void {
    const { names, name } = splitPath(path);
    if (name === undefined) {
      if (node.kind === 'folder') this.#root = { ...node, entries: this.#root.entries };
      return;
    }
    const entries = this.#folderAt(names, true)?.entries;
    const there = entries?.get(name);
    const isKept = node.kind === 'folder' && there?.kind === 'folder';
    entries?.set(name, isKept ? { ...node, entries: there.entries } : node);
  }

  /** The object at a path; a link at its end is followed. Undefined where there is none. */
  find(path: string): TreeNode | undefined {
    return this.#resolve(namesOf(path), false);
  }

  /** The same, but a link at its end is the answer. */
  findLink(path: string): TreeNode | undefined {
    const { names, name } = splitPath(path);
    return name === undefined ? this.#root : this.#folderAt(names, false)?.entries.get(name);
  }

  remove(path: string): void {
    const { names, name } = splitPath(path);
    if (name !== undefined) this.#folderAt(names, false)?.entries.delete(name);
  }

  /** Takes everything out of a folder. */
  empty(path: string): void {
    this.#folderAt(namesOf(path), false)?.entries.clear();
  }

  /** All objects below the root, folders before what is in them, with their true paths. */
  *list(): Generator<[path: string, node: TreeNode]> {
    const open: [path: string, folder: FolderNode][] = [['', this.#root]];
    for (let next = open.pop(); next; next = open.pop())
      for (const [name, node] of next[1].entries) {
        yield [next[0] + name, node];
        if (node.kind === 'folder') open.push([`${next[0]}${name}/`, node]);
      }
  }

  #folderAt(names: readonly string[], make: boolean): FolderNode | undefined {
    const node = this.#resolve(names, make);
    return node?.kind === 'folder' ? node : undefined;
  }

  /** With `make`, folders take the place of what is missing on the way, and of files that are in it. */
  #resolve(names: readonly string[], make: boolean): TreeNode | undefined {
    let above = [this.#root];
    const rest = [...names].reverse();
    for (let links = 0; ;) {
      const name = rest.pop();
      const folder = above.at(-1) ?? this.#root;
      if (name === undefined) return folder;
      if (name === '..') {
        if (above.length > 1) above.pop();
        continue;
      }
      let node = folder.entries.get(name);
      if (node?.kind === 'symlink') {
        if (++links > mostLinks)
          throw ociLayerError(`there are too many symbolic links on the way to ${name}`);
        if (node.target.startsWith('/')) above = [this.#root];
        rest.push(...pathParts(node.target).reverse());
        continue;
      }
      if (make && node?.kind !== 'folder') folder.entries.set(name, (node = folderNode()));
      if (node?.kind !== 'folder') return rest.length === 0 ? node : undefined;
      above.push(node);
    }
  }
}

export const folderNode = (permissions = 0o755): FolderNode => ({
  ...{ kind: 'folder', ...plain, permissions },
  entries: new Map(),
});

export const fileNode = (content: NodeContent | string, permissions = 0o644): FileNode => ({
  ...{ kind: 'file', ...plain, permissions },
  content: typeof content === 'string' ? { bytes: Buffer.from(content) } : content,
});

export const linkNode = (target: string): LinkNode => ({
  ...{ kind: 'symlink', ...plain, permissions: 0o777, target },
});

const pathParts = (path: string) => path.split('/').filter((name) => name !== '' && name !== '.');

/** Bytes: what Linux takes for a name, and for a path with room for what is before it on the host. */
const longest = { name: 255, path: 3500 };

function namesOf(path: string): string[] {
  const names = pathParts(path);
  const shown = JSON.stringify(path.slice(0, 200));
  if (names.includes('..')) throw ociLayerError(`the path ${shown} leads upwards`);
  if (path.includes('\0')) throw ociLayerError(`the path ${shown} is none`);
  const isLong = (text: string, most: number) => Buffer.byteLength(text) > most;
  if (isLong(path, longest.path) || names.some((name) => isLong(name, longest.name)))
    throw ociLayerError(`the path ${shown} is too long`);
  return names;
}

function splitPath(path: string): { names: string[]; name: string | undefined } {
  const names = namesOf(path);
  const name = names.pop();
  return { names, name };
}
