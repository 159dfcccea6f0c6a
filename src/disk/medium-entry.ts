/** The bytes of a file on a medium: given, or read from a file of the host while the medium is written. */
export type FileContent = Uint8Array | { source: string; size: number };

/**
 * What is stored on a medium. Paths are relative and separated by '/'; parent directories are implied.
 * Modes are permission bits as of chmod(2), by default 0644 for files and 0755 for directories.
 */
export type MediumEntry =
  | { kind: 'file'; path: string; mode?: number; content: FileContent }
  | { kind: 'directory'; path: string; mode?: number }
  | { kind: 'symlink'; path: string; target: string };

/** The date of everything on a medium unless the caller names one: equal entries give equal bytes. */
export const defaultMediumDate = new Date(Date.UTC(2000, 0, 1));

/** Size of the content in bytes. */
export function contentSize(content: FileContent): number {
  return content instanceof Uint8Array ? content.length : content.size;
}
