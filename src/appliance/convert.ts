import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeVmdk } from '../disk/vmdk/index.js';
import { GvaError, ExitCode } from '../system/errors.js';
import { digestText, ensureFolder, publishFile } from '../system/files.js';
import { runTool } from '../system/process.js';
import { type PackageDisk, packageDisk } from './package/disks.js';
import { examinePackage, type ExamineOptions, requireRunnable } from './package/examine.js';

export const diskFormats = ['raw', 'qcow2', 'vmdk', 'vdi'] as const;
export type DiskFormat = (typeof diskFormats)[number];

export interface ConvertedDisk {
  readonly id: string;
  readonly file: string;
  /** Bytes of the disk. */
  readonly capacity: number;
  /** Bytes that the file takes on the host's disk. */
  readonly allocated: number;
}

/**
 * Writes the disks of a package into a folder, in another format. Each file appears whole or not at all; one that is
 * there is never replaced.
 *
 * @param onDisk told the file that comes next
 * @throws GvaError CONVERT_EXISTS, PACKAGE_REFUSED, TOOL_MISSING where qemu-img is needed and not there
 */
export async function convertPackage(
  path: string,
  format: DiskFormat,
  folder: string,
  onDisk: (file: string) => void,
  options: ExamineOptions,
): Promise<ConvertedDisk[]> {
  await using pkg = await examinePackage(path, options);
  requireRunnable(pkg);
  await ensureFolder(folder);
  const converted: ConvertedDisk[] = [];
  for (const disk of pkg.envelope.disks) {
    const file = join(
      folder,
      `${fileName(disk.id, disk.fileRef === undefined ? undefined : disk.role)}.${format}`,
    );
    if (await exists(file)) throw new GvaError('CONVERT_EXISTS', `${file} exists already`);
    onDisk(file);
    const image = await packageDisk(pkg, disk, options.signal);
    await publishFile(file, (temporary) => writers[format](image, temporary, options.signal));
    const { blocks } = await stat(file);
    converted.push({ id: disk.id, file, capacity: image.size, allocated: blocks * 512 });
  }
  return converted;
}

/** Ids are a stranger's words. */
const fileName = (id: string, role: string | undefined) =>
  role ??
  (id
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 100) ||
    'disk');

const exists = (file: string) =>
  stat(file).then(
    () => true,
    () => false,
  );

type Writer = (image: PackageDisk, target: string, signal: AbortSignal | undefined) => Promise<void>;

/** What is converted is the raw image that our own reader made. */
const byQemu =
  (format: DiskFormat): Writer =>
  async ({ file }, target, signal) => {
    await runTool('qemu-img', ['convert', '-f', 'raw', '-O', format, file, target], signal ? { signal } : {});
  };

const writers: Readonly<Record<DiskFormat, Writer>> = {
  qcow2: byQemu('qcow2'),
  vdi: byQemu('vdi'),
  raw: async ({ file }, target, signal) => {
    await runTool(
      'cp',
      ['--sparse=always', '--reflink=auto', '--no-preserve=mode', '--', file, target],
      signal ? { signal } : {},
    );
  },
  vmdk: async ({ file, digest }, target, signal) => {
    const output = await open(target, 'wx').catch((error: unknown) => {
      throw new GvaError('CONVERT_WRITE', `cannot write ${target}`, {
        exitCode: ExitCode.infrastructure,
        cause: error,
      });
    });
    try {
      const contentId = digestText(digest).slice(0, 32);
      await writeVmdk(file, (chunk) => output.writeFile(chunk), { contentId, signal });
    } finally {
      await output.close();
    }
  },
};
