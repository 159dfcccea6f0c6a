import type { BlockSource } from '../../disk/source.js';
import type { PackageProblem } from '../../model/envelope.js';

export interface PackageMember {
  /** Bytes. */
  readonly size: number;
}

/** Where the members of a package are: an archive, or a folder. Names are relative to the descriptor. */
export interface MemberStore {
  readonly descriptorName: string;
  /** All of an archive; of a folder those that were asked for. */
  readonly members: ReadonlyMap<string, PackageMember>;
  readonly ignored: readonly string[];
  readonly problems: readonly PackageProblem[];
  /** Undefined where there is none. Throws PACKAGE_MEMBER where there is something that may not be read. */
  find(name: string): Promise<PackageMember | undefined>;
  /** The bytes of a member that `find` knows; readable until the store is closed. */
  open(name: string): Promise<BlockSource>;
  close(): Promise<void>;
}

export const isDescriptorName = (name: string) => /\.ovf$/i.test(name);
