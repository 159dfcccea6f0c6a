import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { printable } from '../../disk/findings.js';
import { makeSparseFile } from '../../disk/sparse-file.js';
import type { BaseFile } from '../../model/base.js';
import { TAR_BLOCK, parseTarHeader } from '../../ovf/tar/header.js';
import { paxRecords } from '../../ovf/tar/pax.js';
import { GvaError, messageOf } from '../../system/errors.js';
import { findProgram, toolEnvironment, toolMissing, whenStarted } from '../../system/process.js';
import { ByteReader } from './byte-reader.js';
import type { DataRange } from './sparse-map.js';

/** Bytes of a base.json, of the records of one member, and of one map. */
const LONGEST = { manifest: 16 << 20, pax: 4096, map: 16 << 20 } as const;

/** What is in an archive of a base, from its beginning to its end. Nothing in it decides where anything is written. */
export class ArchiveReader implements AsyncDisposable {
  readonly #bytes: ByteReader;
  readonly #close: () => void;
  readonly #file: string;

  private constructor(file: string, stream: AsyncIterable<Buffer>, close: () => void) {
    this.#file = file;
    this.#bytes = new ByteReader(stream);
    this.#close = close;
  }

  /** @throws GvaError IMPORT_READ, TOOL_MISSING */
  static async open(file: string): Promise<ArchiveReader> {
    const zstd = await findProgram('zstd');
    if (zstd === undefined) throw toolMissing('zstd');
    const handle = await open(file, 'r').catch((error: unknown) => {
      throw new GvaError('IMPORT_READ', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
    });
    // A window of more than 16 MiB, which an archive of somebody else's may ask for, is refused.
    const args = ['-q', '-dc', '--long=24'];
    const child = await whenStarted(
      spawn(zstd, args, { stdio: [handle.fd, 'pipe', 'ignore'], env: toolEnvironment() }),
    ).catch(async (error: unknown) => {
      await handle.close();
      throw new GvaError('IMPORT_READ', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
    });
    const stdout: unknown = child.stdout;
    if (!(stdout instanceof Readable)) throw new Error('a pipe that is none');
    return new ArchiveReader(file, stdout as AsyncIterable<Buffer>, () => {
      child.kill('SIGKILL');
      void handle.close();
    });
  }

  /** The text of a member that must come next. */
  async text(name: string): Promise<string> {
    const { name: found, size, type } = await this.#header();
    if (found !== name || type !== '0' || size > LONGEST.manifest)
      throw this.refused(`${printable(Buffer.from(found))} is where ${name} should be`);
    const text = (await this.#exactly(size)).toString('utf8');
    await this.#skipPadding(size);
    return text;
  }

  /**
   * Writes the sparse member that must come next into a new file, and gives the stretches that it has.
   *
   * @param room bytes that it may take on the disk
   */
  async sparseFile({ name, size }: BaseFile, target: string, room: number): Promise<DataRange[]> {
    const records = await this.#sparseRecords();
    const header = await this.#header();
    const isIt = header.name === name && header.type === '0' && records.get('name') === name;
    const isSparse = records.get('major') === '1' && records.get('minor') === '0';
    if (!isIt || !isSparse || records.get('realsize') !== String(size))
      throw this.refused(
        `${printable(Buffer.from(header.name))} is where ${name} of ${size} bytes should be`,
      );
    if (header.size > room) throw this.refused(`there is no room for ${name} on this disk`);
    const { ranges, length: mapLength } = await this.#map(name, size);
    const stored = ranges.reduce((sum, { length }) => sum + length, mapLength);
    if (stored !== header.size) throw this.refused(`the map of ${name} is not that of its data`);
    await makeSparseFile(target, size, async (file) => {
      for (const { offset, length } of ranges)
        for (let done = 0; done < length;) {
          const piece = await this.#bytes.some(length - done);
          if (!piece) throw this.refused(`it is cut off within ${name}`);
          await file.write(offset + done, piece);
          done += piece.length;
        }
    });
    await this.#skipPadding(stored);
    return ranges;
  }

  /** Nothing may follow. */
  async end(): Promise<void> {
    const block = await this.#bytes.read(TAR_BLOCK);
    if (!block?.every((byte) => byte === 0)) throw this.refused('it does not end where it should');
  }

  refused(problem: string): GvaError {
    return new GvaError(
      'IMPORT_REFUSED',
      `${this.#file} is no base image as gva base export writes it: ${problem}`,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    return Promise.resolve();
  }

  async #sparseRecords(): Promise<Map<string, string>> {
    const { size, type } = await this.#header();
    if (type !== 'x' || size > LONGEST.pax) throw this.refused('a member is not sparse');
    const content = await this.#exactly(size);
    await this.#skipPadding(size);
    const records = [...paxRecords(content, this.#bytes.offset)];
    return new Map(
      records.map(({ key, value }) => [key.replace(/^GNU\.sparse\./, ''), value.toString('latin1')]),
    );
  }

  async #map(name: string, size: number): Promise<{ ranges: DataRange[]; length: number }> {
    const numbers: number[] = [];
    let text = '';
    let length = 0;
    while (numbers[0] === undefined || numbers.length < 1 + 2 * numbers[0]) {
      if (length >= LONGEST.map) throw this.refused(`the map of ${name} is too long`);
      text += (await this.#exactly(TAR_BLOCK)).toString('latin1');
      length += TAR_BLOCK;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        if (!/^\d{1,15}$/.test(line)) throw this.refused(`the map of ${name} cannot be read`);
        numbers.push(Number(line));
      }
    }
    return { ranges: this.#rangesOf(numbers.slice(1), name, size), length };
  }

  #rangesOf(numbers: readonly number[], name: string, size: number): DataRange[] {
    const ranges: DataRange[] = [];
    let end = 0;
    for (let index = 0; index < numbers.length; index += 2) {
      const [offset = 0, length = 0] = numbers.slice(index, index + 2);
      if (offset < end || offset + length > size)
        throw this.refused(`the map of ${name} leads outside of it`);
      end = offset + length;
      if (length > 0) ranges.push({ offset, length });
    }
    return ranges;
  }

  async #header(): Promise<{ name: string; size: number; type: string }> {
    const at = this.#bytes.offset;
    const block = await this.#bytes.read(TAR_BLOCK);
    if (!block) throw this.refused(at === 0 ? 'it is not compressed by zstd, or empty' : 'it is cut off');
    try {
      const { name, size, type } = parseTarHeader(block, at);
      return { name: name.toString('latin1'), size, type };
    } catch (error) {
      throw this.refused(messageOf(error));
    }
  }

  async #exactly(length: number): Promise<Buffer> {
    const bytes = await this.#bytes.read(length);
    if (!bytes) throw this.refused('it is cut off');
    return bytes;
  }

  async #skipPadding(size: number): Promise<void> {
    const length = (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;
    if (length > 0) await this.#exactly(length);
  }
}
