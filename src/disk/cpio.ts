/**
 * The "newc" cpio archive that Linux takes as initial RAM disk (kernel documentation,
 * driver-api/early-userspace/buffer-format). Everything belongs to root; times are 0; inode numbers count up.
 */
export type CpioEntry =
  | { kind: 'directory'; path: string }
  | { kind: 'file'; path: string; mode: number; content: Uint8Array }
  | { kind: 'symlink'; path: string; target: string };

const typeBits = { directory: 0o040000, file: 0o100000, symlink: 0o120000 } as const;

export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const members = entries.map((entry, index) => member(entry, index + 1));
  const trailer = record('TRAILER!!!', 0, 0, Buffer.alloc(0));
  return Buffer.concat([...members, trailer]);
}

function member(entry: CpioEntry, inode: number): Buffer {
  const mode = typeBits[entry.kind] | permissions(entry);
  return record(entry.path, inode, mode, contentOf(entry));
}

function permissions(entry: CpioEntry): number {
  if (entry.kind === 'file') return entry.mode;
  return entry.kind === 'symlink' ? 0o777 : 0o755;
}

function contentOf(entry: CpioEntry): Buffer {
  if (entry.kind === 'file') return Buffer.from(entry.content);
  return Buffer.from(entry.kind === 'symlink' ? entry.target : '');
}

function record(path: string, inode: number, mode: number, content: Buffer): Buffer {
  const name = Buffer.from(`${path}\0`);
  const links = (mode & 0o170000) === typeBits.directory ? 2 : 1;
  const numbers = [inode, mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const header = `070701${numbers.map((n) => n.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(content)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
