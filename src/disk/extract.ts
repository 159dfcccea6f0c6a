import { Extraction } from './extract/extraction.js';
import { withDefaults } from './extract/limits.js';
import { prepareTarget } from './extract/target.js';
import type { Finding } from './findings.js';
import type { FileTree, TreeNode } from './tree.js';

export interface ExtractOptions {
  /**
   * The directory of the image that becomes the target, its names as in findings and separated by `/`.
   * Default: the root.
   */
  from?: string;
  /** Bytes of data written. Default: 1 TiB; never more than the file system has, which no honest tree exceeds. */
  maxBytes?: number;
  /** Directory entries looked at, whatever becomes of them. Default: 1,000,000. */
  maxFiles?: number;
  /** Levels of directories below the target. Default: 100. */
  maxDepth?: number;
  /** Bytes that a single file may claim, holes included. Default: 1 TiB. */
  maxFileSize?: number;
  /** Milliseconds. Default: 600,000. */
  timeMs?: number;
  /** Findings kept in the report; all are counted. Default: 1,000. */
  maxFindings?: number;
  /** Stops the extraction, which then throws the signal's reason. A limit, in contrast, ends with a report. */
  signal?: AbortSignal;
  /** Names directly in the target that are left out, without a finding. */
  skip?: (name: string) => boolean;
}

export interface ExtractionReport {
  /** Regular files created, each name of a hard link counted. */
  files: number;
  directories: number;
  symlinks: number;
  /** Bytes of data written, without holes. */
  bytes: number;
  /** The first `maxFindings` of them. */
  findings: Finding[];
  findingCount: number;
  /** A limit ended the extraction or cut a file, or the host could not store something. */
  truncated: boolean;
  /** All that was asked for is there, as it was: whatever findings there are tell of nothing lost or refused. */
  complete: boolean;
}

/**
 * Writes the tree of an untrusted file system into `target`, a directory that is new, or empty and the
 * caller's own. This is the only way out of an image.
 *
 * Nothing is written outside the target: every directory and file is created by the extraction itself
 * (O_CREAT, O_EXCL, O_NOFOLLOW), and symbolic links come last, when nothing more is written. Nothing readable
 * is lost because something else is broken. Each rule that changes something leaves a finding with its code:
 *
 * - NAME_UNSAFE: empty, `.`, `..`, or with `/` or NUL: saved as `NAME~n`, these bytes as `_`.
 * - NAME_DUPLICATE: a name that was there before in its directory: saved as `NAME~n`; the first keeps it.
 * - NAME_ENCODING: no UTF-8: the bytes are kept as they are.
 * - NAME_HOST: what the host cannot store (too long, not allowed): skipped.
 * - SYMLINK_ESCAPE: a symbolic link that is absolute or leads out of the target: not created; the finding tells
 *   where it pointed. SYMLINK_INVALID: empty, too long, with NUL, or unreadable: not created.
 * - SPECIAL_FILE: devices, FIFOs and sockets: skipped.
 * - MODE_STRIPPED: set-uid, set-gid and sticky bits are removed. The other bits are kept, directories get rwx
 *   for their owner. Owner and group are the caller's, times of modification are the guest's.
 * - HARD_LINK: an inode with more names than it claims: the names beyond become separate copies; names that it
 *   does claim become hard links within the target.
 * - DIRECTORY_LOOP: a directory that was entered before, by whatever name: not entered again.
 * - FILE_SIZE: a file that claims more than `maxFileSize`: it ends with its last data.
 * - HOST_WRITE: contents or attributes that the host does not take: the file is kept as far as it got.
 * - LIMIT_BYTES, LIMIT_FILES, LIMIT_TIME: the extraction ends there. LIMIT_DEPTH: a directory is not entered.
 * - EXT4_*, ISO_*, FAT_*, IMAGE_*: what the readers find: `src/disk/ext4`, `iso9660`, `fat`, `qcow2`; data beside
 *   it is extracted.
 *
 * Holes stay holes. A `lost+found` directly in the root is left out when it is empty. Throws EXTRACT_TARGET
 * for an unsuitable target and EXTRACT_WRITE where the host can write no more.
 */
export async function extractTree<Node extends TreeNode>(
  tree: FileTree<Node>,
  target: string,
  options: ExtractOptions = {},
): Promise<ExtractionReport> {
  const settings = withDefaults(options, tree.size);
  const base = await prepareTarget(target);
  return new Extraction(tree, base, settings).run();
}
