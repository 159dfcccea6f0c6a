import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { billOfMaterials } from '../base/bill-of-materials.js';
import { noteNeed } from '../base/needs.js';
import type { Base } from '../base/store.js';
import { wantedBase } from '../base/wanted.js';
import { makeExt4 } from '../disk/ext4-image.js';
import { writeVmdk } from '../disk/vmdk/write.js';
import type { Appliance } from '../model/appliance.js';
import type { DiskRole } from '../model/envelope.js';
import { ExitCode, GvaError } from '../system/errors.js';
import { digestText, freshSibling } from '../system/files.js';
import { applianceFiles, imagesFolder } from '../system/paths.js';
import type { DescriptorDisk, DescriptorFile, DescriptorSpec } from '../ovf/descriptor-spec.js';
import { formatManifest, manifestSize } from '../ovf/manifest.js';
import type { Signer } from '../ovf/signature.js';
import { type OvaWriter, type WrittenMember, writeOva } from '../ovf/tar/writer.js';
import { descriptorLength, writeDescriptor } from '../ovf/write-descriptor.js';
import { checkImageProgram } from './image-program.js';
import { type CachedImage, type Packing, applianceImages } from './images.js';
import type { ApplianceFolder } from './load.js';

export interface PackOptions extends Pick<Packing, 'script' | 'combine'> {
  /** Leaves the base image out: the package says which it needs, and finds it where it is run. */
  readonly thin?: boolean;
  /** Describes the output disk without a file: some importers make one, others fail. */
  readonly blankOutput?: boolean;
  /** Of the manifest; SHA1 is for old importers. */
  readonly algorithm?: 'SHA256' | 'SHA1';
  readonly signer?: Signer;
  /** Puts the bill of materials of the base into the package: SPDX. */
  readonly sbom?: boolean;
  /** The base image; where absent, the one that the appliance wishes for. */
  readonly base?: Base;
  /** Images that take the place of those made of the folder. */
  readonly images?: { readonly app: CachedImage; readonly data?: CachedImage };
}

/** A disk that goes into the package. */
interface PackedDisk {
  readonly role: DiskRole;
  readonly image: CachedImage;
  /** What its content follows from. */
  readonly identity: string;
  /** Described, but not in the package. */
  readonly blank?: boolean;
}

export interface PackedPackage {
  /** Bytes of the package. */
  readonly size: number;
  readonly members: readonly WrittenMember[];
}

/**
 * Packs an appliance folder as an OVA: descriptor, manifest, certificate, then the base, application, data and output
 * disks, each written once. The same folder, base and version of GVA give the same bytes. The file appears whole
 * or not at all.
 *
 * @param onDisk told which disk is being written
 * @throws GvaError BASE_MISSING, BASE_PORTABLE where the base has no disk for packages, PACKAGE_WRITE,
 *   RUN_MISSING
 */
export async function packAppliance(
  source: ApplianceFolder,
  target: string,
  options: PackOptions,
  onDisk: (role: DiskRole, size: number) => void,
  signal: AbortSignal,
): Promise<PackedPackage> {
  const { appliance } = source;
  const { base = await wantedBase(appliance.base, { say: () => undefined }) } = options;
  checkImageProgram(appliance, base);
  const images = await packedImages(source, options);
  const output = await freshSibling(join(imagesFolder(), 'output'));
  try {
    const disks = await packedDisks(source, { base, images, output, options });
    const sbom = options.sbom ? Buffer.from(billOfMaterials(base)) : undefined;
    const spec = {
      appliance: bootable(appliance),
      digest: images.digest,
      ...specOf(base),
      ...described(appliance.name, disks, sbom),
    };
    const members: WrittenMember[] = [];
    await writeOva(
      target,
      async (ova) => {
        members.push(...(await writeMembers(ova, { spec, disks, sbom, options, onDisk, signal })));
      },
      { algorithm: options.algorithm ?? 'SHA256' },
    );
    if (options.thin) await noteNeed(base.digest, { kind: 'package', path: target });
    return { members, size: members.reduce((sum, { size }) => sum + size, 0) };
  } finally {
    await rm(output, { force: true });
  }
}

/** Bytes with which the portable kernel boots; started directly, a base may do with less. */
const leastMemory = 128 << 20;

const bootable = <T extends Pick<Appliance, 'hardware'>>(appliance: T): T => ({
  ...appliance,
  hardware: { ...appliance.hardware, memory: Math.max(appliance.hardware.memory, leastMemory) },
});

async function packedImages(source: ApplianceFolder, { script, combine, images }: PackOptions) {
  const made = await applianceImages(source, {
    manifest: await readFile(join(source.folder, applianceFiles.manifest), 'utf8'),
    ...(script === undefined ? {} : { script }),
    ...(combine === undefined ? {} : { combine }),
  });
  return images ? { ...images, digest: digestText(`${made.digest} ${images.app.file}`) } : made;
}

interface DiskSources {
  readonly base: Base;
  readonly images: { readonly app: CachedImage; readonly data?: CachedImage; readonly digest: string };
  /** Path for the image of the output disk. */
  readonly output: string;
  readonly options: PackOptions;
}

async function packedDisks(
  { appliance }: ApplianceFolder,
  { base, images, output, options }: DiskSources,
): Promise<PackedDisk[]> {
  const { app, data, digest } = images;
  const disks: PackedDisk[] = [
    ...(options.thin ? [] : [portableDisk(base)]),
    { role: 'app', image: app, identity: `app ${digest}` },
    ...(data ? [{ role: 'data', image: data, identity: `data ${digest}` } as const] : []),
  ];
  if (options.combine?.includes('output')) return disks;
  const { size } = appliance.output;
  const image = { file: output, size };
  if (options.blankOutput) return [...disks, { role: 'output', image, identity: '', blank: true }];
  await makeExt4(output, { label: 'GVA-OUT', size });
  return [...disks, { role: 'output', image, identity: `output ${size}` }];
}

function portableDisk({ name, digest, folder, files }: Base): PackedDisk {
  const { disk, root } = files;
  if (!root)
    throw new GvaError('BASE_PORTABLE', `the base image ${name} was adopted: it is not put into packages`, {
      hint: 'Leave it out of the package: --thin',
    });
  if (disk)
    return { role: 'base', image: { file: join(folder, disk.name), size: disk.size }, identity: digest };
  throw new GvaError('BASE_PORTABLE', `the base image ${name} has no disk that other hypervisors boot`, {
    exitCode: ExitCode.infrastructure,
    hint: `Build it again: gva base build ${name} --force; or leave it out of the package: --thin`,
  });
}

const specOf = ({ name, digest, contract, files }: Base) => ({
  contract,
  base: { name, digest },
  operatingSystem: {
    id: 101,
    ...(files.root && files.disk ? { version: files.disk.kernelRelease } : {}),
    description: 'Linux 64-Bit',
  },
});

const sbomId = 'file-sbom';

/** The parts of the descriptor's spec that follow from the disks; sizes that are not known yet are 0. */
function described(
  name: string,
  disks: readonly PackedDisk[],
  sbom: Buffer | undefined,
): Pick<DescriptorSpec, 'files' | 'disks'> {
  const stored = disks.filter(({ blank }) => !blank);
  return {
    files: [
      ...stored.map(({ role }) => ({ id: `file-${role}`, href: `${name}-${role}.vmdk`, size: 0 })),
      ...(sbom ? [{ id: sbomId, href: `${name}.spdx.json`, size: sbom.length }] : []),
    ],
    disks: disks.map(({ role, image, blank }) => ({
      id: `disk-${role}`,
      ...(blank ? {} : { fileRef: `file-${role}`, populatedSize: 0 }),
      capacity: Math.ceil(image.size / 512) * 512,
      role,
    })),
  };
}

interface MemberSources {
  readonly spec: DescriptorSpec;
  readonly disks: readonly PackedDisk[];
  readonly sbom: Buffer | undefined;
  readonly options: PackOptions;
  readonly onDisk: (role: DiskRole, size: number) => void;
  readonly signal: AbortSignal;
}

/** Room is left for what comes first and is known last. */
async function writeMembers(
  ova: OvaWriter,
  { spec, disks, sbom, options, onDisk, signal }: MemberSources,
): Promise<WrittenMember[]> {
  const { algorithm = 'SHA256', signer } = options;
  const name = (ending: string) => `${spec.appliance.name}.${ending}`;
  const [descriptorName, manifestName, certificateName] = [name('ovf'), name('mf'), name('cert')];
  ova.reserve(descriptorName, descriptorLength(spec));
  ova.reserve(manifestName, manifestSize([descriptorName, ...spec.files.map(({ href }) => href)], algorithm));
  if (signer) ova.reserve(certificateName, signer.size(manifestName));
  const written: WrittenMember[] = [];
  const files: DescriptorFile[] = [];
  const described: DescriptorDisk[] = [];
  for (const disk of spec.disks) {
    const file = spec.files.find(({ id }) => id === disk.fileRef);
    const packed = disks.find(({ role }) => role === disk.role);
    if (!file || !packed) {
      described.push(disk);
      continue;
    }
    onDisk(packed.role, packed.image.size);
    let populatedSize = 0;
    const member = await ova.stream(file.href, async (write) => {
      const contentId = digestText(packed.identity).slice(0, 32);
      ({ populatedSize } = await writeVmdk(packed.image.file, write, { contentId, signal }));
    });
    written.push(member);
    files.push({ ...file, size: member.size });
    described.push({ ...disk, populatedSize });
  }
  const bill = spec.files.find(({ id }) => id === sbomId);
  if (bill && sbom) {
    written.push(await ova.stream(bill.href, (write) => write(sbom)));
    files.push(bill);
  }
  const text = Buffer.from(writeDescriptor({ ...spec, files, disks: described }));
  const descriptor = await ova.fill(descriptorName, text);
  const manifest = Buffer.from(formatManifest([descriptor, ...written], algorithm));
  const manifestMember = await ova.fill(manifestName, manifest);
  const certificate = signer ? [await ova.fill(certificateName, signer.sign(manifestName, manifest))] : [];
  return [descriptor, manifestMember, ...certificate, ...written];
}
