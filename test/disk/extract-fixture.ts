import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openExt4 } from '../../src/disk/ext4/index.js';
import { extractTree, type ExtractionReport, type ExtractOptions } from '../../src/disk/extract.js';
import type { BlockSource } from '../../src/disk/source.js';
import type { DirectoryEntry, FilePiece, FileTree, NodeKind, TreeNode } from '../../src/disk/tree.js';
import { contentsOf, MemorySource, scratch } from './ext4-fixture.js';

export interface Extracted {
  report: ExtractionReport;
  /** What lies in the target, by path. */
  found: Map<string, string>;
  /** `CODE path` of each finding, in order. */
  findings: string[];
  target: string;
}

/** Extracts a tree, and checks what must hold whatever is in it: that nothing appears beside the target. */
export async function extracted<Node extends TreeNode>(
  tree: FileTree<Node>,
  options: ExtractOptions = {},
): Promise<Extracted> {
  const folder = scratch();
  const target = join(folder, 'deep', 'er', 'target');
  mkdirSync(join(folder, 'deep', 'er'), { recursive: true });
  writeFileSync(join(folder, 'deep', 'canary'), 'alive');
  const report = await extractTree(tree, target, options);
  const found = contentsOf(target);
  const beside = [...contentsOf(folder).keys()].filter((path) => !path.startsWith('deep/er/target'));
  expect(beside).toEqual(['deep', 'deep/canary', 'deep/er']);
  expect(readFileSync(join(folder, 'deep', 'canary'), 'utf8')).toBe('alive');
  const kinds = [...found.values()];
  expect(kinds.filter((kind) => kind.startsWith('file')).length).toBe(report.files);
  expect(kinds.filter((kind) => kind.startsWith('directory')).length).toBe(report.directories);
  expect(kinds.filter((kind) => kind.startsWith('link')).length).toBe(report.symlinks);
  return {
    report,
    found,
    target,
    findings: report.findings.map(({ code, path }) => `${code} ${path}`.trim()),
  };
}

export async function extractedImage(
  image: Buffer | BlockSource,
  options: ExtractOptions = {},
): Promise<Extracted> {
  return extracted(await openExt4(Buffer.isBuffer(image) ? new MemorySource(image) : image), options);
}

/** An object of a tree that exists only in a test. Names are latin1, entries may be anything. */
export interface FakeNode extends Partial<Omit<TreeNode, 'kind'>> {
  kind: NodeKind;
  entries?: readonly [name: string, node: FakeNode][];
  pieces?: readonly [offset: number, data: string][];
  target?: string;
}

/** A file with these contents. */
export const file = (data: string, more: Partial<FakeNode> = {}): FakeNode => ({
  kind: 'file',
  size: data.length,
  pieces: [[0, data]],
  ...more,
});
export const directory = (...entries: [string, FakeNode][]): FakeNode => ({ kind: 'directory', entries });
export const link = (target: string): FakeNode => ({ kind: 'symlink', target });

/** A tree with every evil that a file system's format might not even be able to tell. */
export class FakeTree implements FileTree {
  readonly findings = [];
  readonly label = '';
  readonly size = 1 << 30;
  readonly root: TreeNode;
  readonly #nodes: FakeNode[] = [];

  constructor(root: FakeNode) {
    this.root = this.#nodeOf(root);
  }

  #nodeOf(node: FakeNode): TreeNode {
    if (!this.#nodes.includes(node)) this.#nodes.push(node);
    const attributes = { permissions: 0o755, uid: 0, gid: 0, size: 0, links: 1, mtime: 1e9 };
    return { ...attributes, ...node, id: this.#nodes.indexOf(node) };
  }

  #fake({ id }: TreeNode): FakeNode {
    return this.#nodes[id]!;
  }

  stat(id: number): Promise<TreeNode> {
    return Promise.resolve(this.#nodeOf(this.#nodes[id]!));
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- of an asynchronous interface
  async *readDirectory(directory: TreeNode): AsyncGenerator<DirectoryEntry[]> {
    for (const [name, node] of this.#fake(directory).entries ?? []) {
      yield [{ name: Buffer.from(name, 'latin1'), id: this.#nodeOf(node).id }];
    }
  }

  readLink(link: TreeNode): Promise<Buffer> {
    return Promise.resolve(Buffer.from(this.#fake(link).target ?? '', 'latin1'));
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- of an asynchronous interface
  async *readFile(file: TreeNode): AsyncGenerator<FilePiece | undefined> {
    for (const [offset, data] of this.#fake(file).pieces ?? []) {
      yield undefined;
      yield { offset, data: Buffer.from(data, 'latin1') };
    }
  }
}
