import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Bytes. */
const step = 1 << 20;
const piece = 64 << 10;
const zeros = Buffer.alloc(piece);

/**
 * SHA-256 of a file that is mostly holes, as hexadecimal: over its size, and over place and bytes of each piece of
 * 64 KiB that is not all zeros. Same content, same digest, whatever of it is a hole.
 */
export async function digestSparse(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(step);
    const { size } = await handle.stat();
    hash.update(`${size}\n`);
    for (let at = 0; at < size;) {
      const { bytesRead } = await handle.read(buffer, 0, step, at);
      if (bytesRead === 0) break;
      for (let offset = 0; offset < bytesRead; offset += piece) {
        const bytes = buffer.subarray(offset, Math.min(offset + piece, bytesRead));
        if (!bytes.equals(zeros.subarray(0, bytes.length))) hash.update(`${at + offset}\n`).update(bytes);
      }
      at += bytesRead;
    }
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}
