import { join, dirname } from 'node:path';
import type { Envelope, PackageProblem, VirtualSystem } from '../../model/envelope.js';
import { type MachineHardware, hardwareOf } from '../../ovf/hardware.js';
import { type OpenPackageOptions, type PackageFiles, openPackage } from '../../ovf/package.js';
import { capacityProblems } from '../../ovf/package/limits.js';
import { readDescriptor } from '../../ovf/read-descriptor.js';
import { checkReferences } from '../../ovf/references.js';
import { verifyManifest } from '../../ovf/verify-manifest.js';
import { GvaError } from '../../system/errors.js';
import { digestText, ensureFolder } from '../../system/files.js';
import { imagesFolder } from '../../system/paths.js';
import { rememberedOf } from '../../system/remembered-digest.js';
import { isSignatureRequired, trustProblems } from './trust.js';

export interface ExamineOptions extends Pick<OpenPackageOptions, 'limits' | 'signal'> {
  /** Id of a deployment option; the package's default where absent. */
  readonly configuration?: string | undefined;
}

/** A package with all that is to be said of it. What has an error among its problems must not be run. */
export interface ExaminedPackage extends AsyncDisposable {
  readonly path: string;
  readonly files: PackageFiles;
  readonly envelope: Envelope;
  /** The only one; where there are several, the first, and an error. */
  readonly system?: VirtualSystem;
  readonly hardware?: MachineHardware;
  /** One that GVA packed: its guest keeps the contract. */
  readonly isGva: boolean;
  readonly problems: readonly PackageProblem[];
}

/**
 * Opens a package and looks at all of it but the content of its disks: container, signature, digests, descriptor,
 * references, hardware.
 *
 * @throws GvaError where there is no package or no descriptor in it that can be read
 */
export async function examinePackage(path: string, options: ExamineOptions = {}): Promise<ExaminedPackage> {
  const files = remembering(await openPackage(path, { ...options, expandTo: await expandedFile(path) }));
  try {
    const envelope = readDescriptor(files.descriptor, files.descriptorName, files.limits.descriptor);
    const references = await checkReferences(files, envelope.files);
    const [system] = envelope.systems;
    const hardware = system && hardwareOf(system, envelope, options.configuration);
    const problems = [
      ...files.problems,
      ...(isSignatureRequired() ? await trustProblems(files) : []),
      ...(await verifyManifest(files, references.names, options.signal)),
      ...envelope.problems,
      ...references.problems,
      ...capacityProblems(envelope.disks, files.descriptorName, files.limits),
      ...severalSystems(envelope, files.descriptorName),
      ...(hardware?.problems ?? []),
    ];
    return {
      ...{ path, files, envelope, problems, isGva: system?.gva !== undefined },
      ...(system ? { system } : {}),
      ...(hardware ? { hardware } : {}),
      [Symbol.asyncDispose]: () => files.close(),
    };
  } catch (error) {
    await files.close();
    throw error;
  }
}

function severalSystems({ systems }: Envelope, place: string): PackageProblem[] {
  if (systems.length <= 1) return [];
  const message = `it has ${systems.length} virtual machines that belong together; GVA runs packages of one`;
  return [{ severity: 'error', place, message }];
}

/** The digests of members, remembered as long as the package's file stays as it is. */
function remembering(files: PackageFiles): PackageFiles {
  const { path, kind } = files;
  const digest: PackageFiles['digest'] = (name, algorithm, signal) => {
    const compute = () => files.digest(name, algorithm, signal);
    if (kind === 'ova') return rememberedOf(path, `${algorithm} ${name}`, imagesFolder(), compute);
    const folder = kind === 'folder' ? path : dirname(path);
    return rememberedOf(join(folder, name), algorithm, imagesFolder(), compute);
  };
  return { ...files, digest };
}

/** Where a compressed package is expanded to: one file for each compressed one, as it stands. */
async function expandedFile(path: string): Promise<string> {
  const folder = await ensureFolder(imagesFolder());
  const name = await rememberedOf(path, 'expanded', folder, () => Promise.resolve(digestText(path))).catch(
    () => digestText(path),
  );
  return join(folder, `expanded-${name}.ova`);
}

/**
 * The package as one that can be run.
 *
 * @throws GvaError PACKAGE_REFUSED with the first of what is wrong with it
 */
export function requireRunnable(
  pkg: ExaminedPackage,
): ExaminedPackage & Required<Pick<ExaminedPackage, 'system' | 'hardware'>> {
  const { path, system, hardware, problems } = pkg;
  const errors = problems.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  if (!first && system && hardware) return { ...pkg, system, hardware };
  const what = first ? `${first.place}: ${first.message}` : 'there is no virtual machine in it';
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  throw new GvaError('PACKAGE_REFUSED', `${path} cannot be run: ${what}${more}`, {
    hint: `All that is wrong with it: gva inspect ${path}`,
  });
}
