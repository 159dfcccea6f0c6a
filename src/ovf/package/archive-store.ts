import type { BlockSource } from '../../disk/source.js';
import type { PackageProblem } from '../../model/envelope.js';
import { GvaError } from '../../system/errors.js';
import { rangeOf } from './block-sources.js';
import { shownName } from './member-name.js';
import { isDescriptorName, type MemberStore } from './member-store.js';
import type { PackageLimits } from './limits.js';
import { indexTar, type TarMember } from '../tar/read-index.js';

/**
 * The members of an OVA. The store owns the file from then on.
 *
 * @throws GvaError as by `indexTar`; PACKAGE_FORMAT where there is not exactly one descriptor
 */
export async function openArchive(file: BlockSource, limits: PackageLimits): Promise<MemberStore> {
  const index = await indexTar(file, limits);
  const descriptor = findDescriptor([...index.members.keys()]);
  const folder = descriptor.slice(0, descriptor.lastIndexOf('/') + 1);
  const inside = [...index.members.values()].filter(({ name }) => name.startsWith(folder));
  const members = new Map(inside.map((member) => [member.name.slice(folder.length), member]));
  const beside = [...index.members.keys()].filter((name) => !name.startsWith(folder));
  const place = descriptor.slice(folder.length);
  const problems: PackageProblem[] = [];
  const warn = (message: string) => problems.push({ severity: 'warning', place, message });
  if ([...index.members.keys()][0] !== descriptor)
    warn('the descriptor is not the first member: VirtualBox and readers of streams refuse that');
  if (folder !== '') warn(`the package is in the folder "${shownName(folder)}" of the archive`);
  return new ArchiveStore(file, {
    descriptorName: place,
    members,
    problems,
    ignored: [...index.ignored, ...beside],
  });
}

/** One descriptor at the top; else one in a folder, as where somebody packed a folder with `tar`. */
function findDescriptor(names: readonly string[]): string {
  const all = names.filter(isDescriptorName);
  const top = all.filter((name) => !name.includes('/'));
  const candidates = top.length > 0 ? top : all;
  const [descriptor] = candidates;
  if (descriptor === undefined)
    throw new GvaError(
      'PACKAGE_FORMAT',
      'there is no descriptor (a file with the extension .ovf) in the archive',
    );
  if (candidates.length > 1)
    throw new GvaError(
      'PACKAGE_FORMAT',
      `there is more than one descriptor in the archive: ${candidates.slice(0, 5).map(shownName).join(', ')}`,
    );
  return descriptor;
}

type Facts = Pick<MemberStore, 'descriptorName' | 'ignored' | 'problems'> & {
  readonly members: ReadonlyMap<string, TarMember>;
};

class ArchiveStore implements MemberStore {
  readonly descriptorName: string;
  readonly members: ReadonlyMap<string, TarMember>;
  readonly ignored: readonly string[];
  readonly problems: readonly PackageProblem[];
  readonly #file: BlockSource;

  constructor(file: BlockSource, { descriptorName, members, ignored, problems }: Facts) {
    this.#file = file;
    this.descriptorName = descriptorName;
    this.members = members;
    this.ignored = ignored;
    this.problems = problems;
  }

  find(name: string): Promise<TarMember | undefined> {
    return Promise.resolve(this.members.get(name));
  }

  open(name: string): Promise<BlockSource> {
    const member = this.members.get(name);
    if (member === undefined) return Promise.reject(new Error(`${name} is no member`));
    return Promise.resolve(rangeOf(this.#file, member.offset, member.size));
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
