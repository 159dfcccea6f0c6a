import type { Finding, Report } from './findings.js';

/** What an object of a file system is; `unknown` is a mode that no standard names. */
export type NodeKind =
  'file' | 'directory' | 'symlink' | 'character' | 'block' | 'fifo' | 'socket' | 'unknown';

/** An object of a file system without its name. Everything in it was written by the guest. */
export interface TreeNode {
  /** Identity within the file system: equal for hard links to one file. */
  readonly id: number;
  readonly kind: NodeKind;
  /** The low 12 bits of the mode. */
  readonly permissions: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes, as claimed. */
  readonly size: number;
  /** Hard links, as claimed. */
  readonly links: number;
  /** Last modification, seconds since 1970 with a fraction. */
  readonly mtime: number;
}

export interface DirectoryEntry {
  /** Raw bytes as they stand on the medium: may be empty, contain `/`, be no UTF-8. */
  readonly name: Buffer;
  /** What `stat` takes. Several may lead to one node, whose own `id` then may be another number. */
  readonly id: number;
}

/** A piece of a file at a byte offset. Its buffer is used again for a later piece. */
export interface FilePiece {
  readonly offset: number;
  readonly data: Buffer;
}

/**
 * A file system as extraction sees it. The generators give control back after each block of metadata that
 * they look at, if need be with nothing in hand, so that their caller can watch the clock.
 */
export interface FileTree<Node extends TreeNode = TreeNode> {
  readonly root: Node;
  /** Bytes of the whole file system: no honest tree holds more data. */
  readonly size: number;
  /** Name of the volume as the medium has it; empty where it has none. */
  readonly label: string;
  /** What is wrong with the file system as a whole. */
  readonly findings: readonly Finding[];
  stat(id: number, report?: Report): Promise<Node>;
  /** Entries in the medium's order, `.` and `..` of the usual place left out. */
  readDirectory(directory: Node, report?: Report): AsyncGenerator<readonly DirectoryEntry[]>;
  /** The target of a symbolic link, raw. */
  readLink(link: Node, report?: Report): Promise<Buffer>;
  /** The pieces of a file that are not holes, clipped to its size, in ascending order; none overlaps another. */
  readFile(file: Node, report?: Report): AsyncGenerator<FilePiece | undefined>;
}

/** By the upper four bits of a mode (POSIX.1-2017, sys/stat.h; the numbers are those of Linux). */
export const nodeKinds: Partial<Record<number, NodeKind>> = {
  0x1: 'fifo',
  0x2: 'character',
  0x4: 'directory',
  0x6: 'block',
  0x8: 'file',
  0xa: 'symlink',
  0xc: 'socket',
};
