import { chmod, link, mkdir, open, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { InodeAttributes } from '../../disk/ext4-attributes.js';
import { printable } from '../../disk/findings.js';
import { ociLayerError } from './errors.js';
import type { FileNode, ImageTree, TreeNode } from './image-tree.js';

/** What the host's folder has, and what it cannot have. */
export interface WrittenTree {
  readonly attributes: readonly InodeAttributes[];
  readonly entries: number;
  /** Of all files; one of several names counts once. */
  readonly bytes: number;
}

/** Bytes of a path in the image: the host has a limit, too. */
const longestPath = 3500;

/** Writes the tree into a new folder. Owners and what else only root can give to files is in what it returns. */
export async function writeTree(tree: ImageTree, folder: string, signal?: AbortSignal): Promise<WrittenTree> {
  await mkdir(folder);
  const names = new Map<FileNode, string>();
  const attributes = [attributesAt('', tree.root)];
  let bytes = 0;
  for (const [path, node] of tree.list()) {
    signal?.throwIfAborted();
    if (Buffer.byteLength(path) > longestPath)
      throw ociLayerError(`the path ${path.slice(0, 200)} is too long`);
    const target = join(folder, path);
    const other = node.kind === 'file' ? names.get(node) : undefined;
    if (other === undefined) bytes += await writeNode(node, target);
    else await link(other, target);
    if (node.kind === 'file') names.set(node, target);
    attributes.push(attributesAt(path, node));
  }
  return { attributes, entries: attributes.length, bytes };
}

async function writeNode(node: TreeNode, target: string): Promise<number> {
  if (node.kind === 'folder') await mkdir(target);
  if (node.kind === 'symlink') await symlink(node.target, target);
  if (node.kind !== 'file') return 0;
  const { content } = node;
  const file = await open(target, 'wx');
  try {
    if ('bytes' in content) await file.writeFile(content.bytes);
    else await copyPart(content, file);
  } finally {
    await file.close();
  }
  await chmod(target, 0o644);
  return 'bytes' in content ? content.bytes.length : content.size;
}

async function copyPart(
  { file, at, size }: { file: string; at: number; size: number },
  target: Awaited<ReturnType<typeof open>>,
): Promise<void> {
  const source = await open(file, 'r');
  const chunk = Buffer.allocUnsafe(Math.min(1 << 20, size));
  try {
    for (let done = 0; done < size;) {
      const { bytesRead } = await source.read(chunk, 0, Math.min(chunk.length, size - done), at + done);
      if (bytesRead === 0) throw new Error(`${file} ended early`);
      for (let written = 0; written < bytesRead;)
        written += (await target.write(chunk, written, bytesRead - written)).bytesWritten;
      done += bytesRead;
    }
  } finally {
    await source.close();
  }
}

const attributesAt = (path: string, { permissions, uid, gid, xattrs }: TreeNode): InodeAttributes => ({
  path: path
    .split('/')
    .map((name) => printable(Buffer.from(name)))
    .join('/'),
  ...{ permissions, uid, gid, xattrs },
});
