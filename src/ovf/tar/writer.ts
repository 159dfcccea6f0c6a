import { open, type FileHandle } from 'node:fs/promises';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { publishFile } from '../../system/files.js';
import { hashOf, type DigestAlgorithm } from '../digest.js';
import { TAR_BLOCK, tarChecksum, tarField } from './header.js';

export interface OvaOptions {
  /** Of all members, seconds since 1970; 0 where absent: the same content makes the same file. */
  readonly mtime?: number;
  /** Of the digests that come back; SHA256 where absent. */
  readonly algorithm?: DigestAlgorithm;
}

/** What a manifest and a descriptor say of a member. */
export interface WrittenMember {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly digest: string;
}

/** Appends to a member. The bytes are the caller's again when the promise is fulfilled; to be awaited each time. */
export type MemberWrite = (bytes: Uint8Array) => Promise<void>;

/**
 * Writes an OVA. The file appears whole and synced, or not at all.
 *
 * @throws GvaError PACKAGE_WRITE, and whatever `produce` throws
 */
export async function writeOva(
  path: string,
  produce: (ova: OvaWriter) => Promise<void>,
  options: OvaOptions = {},
): Promise<void> {
  await publishFile(path, async (temporary) => {
    const file = await open(temporary, 'wx').catch((error: unknown) => {
      throw new GvaError('PACKAGE_WRITE', `cannot write ${path}: ${messageOf(error)}`, { cause: error });
    });
    try {
      const ova = new OvaWriter(file, options);
      await produce(ova);
      await ova.finish();
    } finally {
      await file.close();
    }
  });
}

/** Bytes of small writes that are gathered. */
const PIECE = 1 << 20;

/**
 * An OVA in the making: a plain ustar archive, that every importer reads (DSP0243 1.1.0, 5.3). Members come one
 * after another in the order of `reserve` and `stream`; all bytes are written once.
 */
export class OvaWriter {
  readonly #file: FileHandle;
  readonly #options: OvaOptions;
  readonly #names = new Set<string>();
  readonly #reserved = new Map<string, { at: number; size: number }>();
  #end = 0;
  #streaming = false;

  /** @param file empty, and the caller's to close */
  constructor(file: FileHandle, options: OvaOptions = {}) {
    this.#file = file;
    this.#options = options;
  }

  /** Leaves room for a member whose size in bytes is known, and whose content comes by `fill`. */
  reserve(name: string, size: number): void {
    this.#reserved.set(name, { at: this.#begin(name), size });
    this.#append(size);
  }

  /** Adds a member whose size is known when all of it is written. */
  async stream(name: string, produce: (write: MemberWrite) => Promise<void>): Promise<WrittenMember> {
    const at = this.#begin(name);
    this.#streaming = true;
    const content = new MemberContent(this.#file, at + TAR_BLOCK, this.#options.algorithm);
    await produce((bytes) => content.write(bytes));
    const written = { name, ...(await content.end()) };
    this.#streaming = false;
    await this.#writeHeader(written, at);
    this.#append(written.size);
    return written;
  }

  /** Writes a reserved member. Its content must have exactly the size that was reserved. */
  async fill(name: string, content: Uint8Array): Promise<WrittenMember> {
    const place = this.#reserved.get(name);
    if (place?.size !== content.length)
      throw new Error(`${name} has ${content.length} bytes, ${place?.size ?? 'none'} were reserved`);
    this.#reserved.delete(name);
    await this.#writeHeader({ name, size: place.size }, place.at);
    await writeAll(this.#file, content, place.at + TAR_BLOCK);
    const digest = hashOf(this.#options.algorithm ?? 'SHA256')
      .update(content)
      .digest('hex');
    return { name, size: place.size, digest };
  }

  /** Ends the archive, and gives its size in bytes. */
  async finish(): Promise<number> {
    const [missing] = this.#reserved.keys();
    if (missing !== undefined) throw new Error(`${missing} was reserved and not filled`);
    const size = this.#end + 2 * TAR_BLOCK; // two blocks of zeros are the end; padding is zeros, too
    await writing(() => this.#file.truncate(size));
    return size;
  }

  #begin(name: string): number {
    checkName(name);
    if (this.#streaming) throw new Error(`${name} is added while another member is being written`);
    if (this.#names.has(name)) throw new Error(`${name} is added twice`);
    this.#names.add(name);
    return this.#end;
  }

  #append(size: number): void {
    this.#end += TAR_BLOCK + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }

  async #writeHeader({ name, size }: { name: string; size: number }, at: number): Promise<void> {
    await writeAll(this.#file, ustarHeader(name, size, this.#options.mtime ?? 0), at);
  }
}

/** Flat ASCII names, which every importer and file system takes. 100 characters would leave no room for a NUL. */
function checkName(name: string): void {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,98}$/.test(name)) return;
  throw new GvaError('PACKAGE_NAME', `"${name}" cannot be the name of a file in an OVA`, {
    hint: 'Use at most 99 letters, digits, dots, hyphens and underscores, and begin with a letter or digit.',
  });
}

/** Gathers what is written into large pieces, and digests them. */
class MemberContent {
  readonly #file: FileHandle;
  readonly #offset: number;
  readonly #hash;
  readonly #piece = Buffer.allocUnsafe(PIECE);
  #used = 0;
  #flushed = 0;

  constructor(file: FileHandle, offset: number, algorithm: DigestAlgorithm = 'SHA256') {
    this.#file = file;
    this.#offset = offset;
    this.#hash = hashOf(algorithm);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const part = bytes.subarray(done, done + PIECE - this.#used);
      this.#piece.set(part, this.#used);
      this.#used += part.length;
      done += part.length;
      if (this.#used === PIECE) await this.#flush();
    }
  }

  async end(): Promise<{ size: number; digest: string }> {
    await this.#flush();
    return { size: this.#flushed, digest: this.#hash.digest('hex') };
  }

  async #flush(): Promise<void> {
    const piece = this.#piece.subarray(0, this.#used);
    const written = writeAll(this.#file, piece, this.#offset + this.#flushed);
    this.#hash.update(piece); // while the system writes
    await written;
    this.#flushed += piece.length;
    this.#used = 0;
  }
}

/** What octal digits of the size field can say; more needs GNU's base-256. */
const OCTAL_SIZES = 8 * 2 ** 30;

/** A header of POSIX.1-2017, pax, "ustar Interchange Format", of a regular file of root's with mode 644, or another type. */
export function ustarHeader(name: string, size: number, mtime = 0, type = '0'): Buffer {
  const block = Buffer.alloc(TAR_BLOCK);
  const put = (field: keyof typeof tarField, text: string) => block.write(text, tarField[field][0], 'latin1');
  put('name', name);
  put('mode', octal(0o644, 8));
  put('uid', octal(0, 8));
  put('gid', octal(0, 8));
  if (size < OCTAL_SIZES) put('size', octal(size, 12));
  else putBase256(block, size);
  put('mtime', octal(mtime, 12));
  put('type', type);
  put('magic', 'ustar');
  put('version', '00');
  put('userName', 'root');
  put('groupName', 'root');
  put('deviceMajor', octal(0, 8));
  put('deviceMinor', octal(0, 8));
  put('checksum', `${octal(tarChecksum(block), 7)}\0 `);
  return block;
}

/** Octal digits that fill a field but for the NUL at its end. */
const octal = (value: number, length: number) => value.toString(8).padStart(length - 1, '0');

/** GNU tar manual, "Basic Tar Format": the first bit set, the rest a big-endian number. */
function putBase256(block: Buffer, size: number): void {
  const [offset, length] = tarField.size;
  block.writeUInt8(0x80, offset);
  block.writeBigUInt64BE(BigInt(size), offset + length - 8);
}

async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await writing(() => file.write(bytes, done, bytes.length - done, offset + done));
    done += bytesWritten;
  }
}

/** A full disk is no bug of ours. */
async function writing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new GvaError('PACKAGE_WRITE', `cannot write the package: ${messageOf(error)}`, {
      cause: error,
      exitCode: ExitCode.infrastructure,
    });
  }
}
