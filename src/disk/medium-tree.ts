import { GvaError } from '../system/errors.js';
import { contentSize, type FileContent, type MediumEntry } from './medium-entry.js';

export interface FileNode {
  kind: 'file';
  name: string;
  path: string;
  mode: number;
  content: FileContent;
  /** Bytes. */
  size: number;
}

export interface SymlinkNode {
  kind: 'symlink';
  name: string;
  path: string;
  target: string;
}

export interface DirectoryNode {
  kind: 'directory';
  /** Empty for the root. */
  name: string;
  path: string;
  mode: number;
  /** False while it is only implied by what lies in it. */
  explicit: boolean;
  children: Map<string, MediumNode>;
}

export type MediumNode = FileNode | SymlinkNode | DirectoryNode;

/** Collects what cannot be stored, so that one error can name all of it. */
export class MediumProblems {
  readonly #lines: string[] = [];

  add(path: string, reason: string): void {
    this.#lines.push(`${JSON.stringify(path)}: ${reason}`);
  }

  /** For what is wrong with an option or with the set as a whole. */
  addGeneral(reason: string): void {
    this.#lines.push(reason);
  }

  /** @throws GvaError MEDIUM_ENTRY naming every entry and its reason, if there are any. */
  throwIfAny(medium: string): void {
    if (this.#lines.length === 0) return;
    throw mediumError(medium, this.#lines);
  }
}

/** One error for all that is wrong with what a medium should hold. */
export function mediumError(medium: string, reasons: readonly string[]): GvaError {
  return new GvaError('MEDIUM_ENTRY', `cannot make the ${medium}:\n  ${reasons.join('\n  ')}`);
}

const defaultFileMode = 0o644;
const defaultDirectoryMode = 0o755;
const permissionBits = 0o7777;
const loneSurrogate = /\p{Surrogate}/u;

/** Builds the tree of the entries; what is wrong with them goes to `problems` and is left out of the tree. */
export function buildMediumTree(entries: readonly MediumEntry[], problems: MediumProblems): DirectoryNode {
  const root = directoryNode('', '', defaultDirectoryMode, true);
  for (const entry of entries) {
    const names = entry.path.split('/');
    const reason = pathProblem(entry.path, names) ?? contentProblem(entry) ?? insert(root, names, entry);
    if (reason !== undefined) problems.add(entry.path, reason);
  }
  return root;
}

/** Calls `visit` for every node below `directory`, parents before children. */
export function visitNodes(
  directory: DirectoryNode,
  visit: (node: MediumNode, parent: DirectoryNode) => void,
): void {
  const pending: DirectoryNode[] = [directory];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const child of next.children.values()) {
      visit(child, next);
      if (child.kind === 'directory') pending.push(child);
    }
  }
}

function directoryNode(name: string, path: string, mode: number, explicit: boolean): DirectoryNode {
  return { kind: 'directory', name, path, mode, explicit, children: new Map() };
}

function pathProblem(path: string, names: readonly string[]): string | undefined {
  if (path === '') return 'the path is empty';
  if (path.startsWith('/')) return 'the path is absolute';
  if (path.includes('\0')) return 'the path contains a NUL character';
  if (loneSurrogate.test(path)) return 'the path is not well-formed Unicode';
  if (names.includes('')) return 'the path has an empty component';
  if (names.includes('.') || names.includes('..')) return 'the path has a component "." or ".."';
  if (names.some((name) => Buffer.byteLength(name) > 255)) return 'a name is longer than 255 bytes';
  return undefined;
}

function contentProblem(entry: MediumEntry): string | undefined {
  if (entry.kind === 'directory') return undefined;
  if (entry.kind === 'file') {
    const size = contentSize(entry.content);
    return Number.isSafeInteger(size) && size >= 0 ? undefined : `the size ${size} is no size`;
  }
  if (entry.target === '') return 'the target of the symbolic link is empty';
  if (entry.target.includes('\0')) return 'the target of the symbolic link contains a NUL character';
  if (loneSurrogate.test(entry.target)) return 'the target of the symbolic link is not well-formed Unicode';
  return undefined;
}

/** Adds an entry to the tree; returns why it cannot be added. */
function insert(root: DirectoryNode, names: readonly string[], entry: MediumEntry): string | undefined {
  let parent = root;
  for (const [depth, name] of names.slice(0, -1).entries()) {
    let child = parent.children.get(name);
    if (child === undefined) {
      child = directoryNode(name, names.slice(0, depth + 1).join('/'), defaultDirectoryMode, false);
      parent.children.set(name, child);
    }
    if (child.kind !== 'directory') return `${JSON.stringify(child.path)} is not a directory`;
    parent = child;
  }
  const name = names.at(-1) ?? '';
  const existing = parent.children.get(name);
  if (existing === undefined) {
    parent.children.set(name, nodeOf(entry, name));
    return undefined;
  }
  return makeExplicit(existing, entry);
}

function makeExplicit(existing: MediumNode, entry: MediumEntry): string | undefined {
  if (existing.kind !== entry.kind) return `the path is both a ${existing.kind} and a ${entry.kind}`;
  if (existing.kind !== 'directory' || existing.explicit || entry.kind !== 'directory') {
    return 'the path is there more than once';
  }
  existing.explicit = true;
  existing.mode = (entry.mode ?? defaultDirectoryMode) & permissionBits;
  return undefined;
}

function nodeOf(entry: MediumEntry, name: string): MediumNode {
  const { path } = entry;
  switch (entry.kind) {
    case 'file': {
      const mode = (entry.mode ?? defaultFileMode) & permissionBits;
      return { kind: 'file', name, path, mode, content: entry.content, size: contentSize(entry.content) };
    }
    case 'directory':
      return directoryNode(name, path, (entry.mode ?? defaultDirectoryMode) & permissionBits, true);
    case 'symlink':
      return { kind: 'symlink', name, path, target: entry.target };
  }
}
