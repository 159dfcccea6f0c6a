import { readFile, writeFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { ExitCode, GvaError } from '../system/errors.js';
import { runTool } from '../system/process.js';

/**
 * The ELF kernel inside a bzImage; that of ARM64 itself. Handing QEMU the ELF, which it enters by the PVH protocol, saves the
 * guest its own unpacking: 0.1 to 3 s under TCG. Offsets: Documentation/arch/x86/boot.rst, "The Real-Mode
 * Kernel Header" (setup_sects 0x1f1, payload_offset 0x248, payload_length 0x24c).
 *
 * @param temporary a file name that may be used and is left for the caller to remove
 */
export async function unpackKernel(bzImage: string, temporary: string): Promise<Buffer> {
  const image = await readFile(bzImage);
  // Of ARM64, the kernel is in the package as it is (Documentation/arch/arm64/booting.rst, "magic").
  if (image.toString('latin1', 0x38, 0x3c) === 'ARM\x64') return image;
  if (image.toString('latin1', 0x202, 0x206) !== 'HdrS') throw kernelError(bzImage, 'it is no bzImage');
  const start = ((image[0x1f1] ?? 0) + 1) * 512 + image.readUInt32LE(0x248);
  // The four bytes after the stream are the unpacked size.
  const payload = image.subarray(start, start + image.readUInt32LE(0x24c) - 4);
  const elf = await decompress(payload, bzImage, temporary);
  if (elf.readUInt32BE(0) !== 0x7f454c46) throw kernelError(bzImage, 'its payload is no ELF file');
  return elf;
}

async function decompress(payload: Buffer, bzImage: string, temporary: string): Promise<Buffer> {
  const magic = payload.toString('hex', 0, 6);
  if (magic.startsWith('1f8b')) return gunzipSync(payload);
  const tool = [
    { magic: '02214c18', name: 'lz4' },
    { magic: 'fd377a585a00', name: 'xz' },
    { magic: '28b52ffd', name: 'zstd' },
  ].find((entry) => magic.startsWith(entry.magic));
  if (!tool) throw kernelError(bzImage, `its compression is not known (it begins with ${magic})`);
  await writeFile(temporary, payload);
  return runTool(tool.name, ['-dc', temporary], { maxOutput: 512 << 20 });
}

function kernelError(file: string, problem: string): GvaError {
  return new GvaError('KERNEL_FORMAT', `cannot unpack the kernel ${file}: ${problem}`, {
    exitCode: ExitCode.infrastructure,
  });
}
