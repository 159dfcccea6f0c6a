import { openExt4 } from '../../disk/ext4/index.js';
import { openRaw } from '../../disk/source.js';
import { GvaError } from '../../system/errors.js';
import { type DebianSuite, debianSuites } from '../debian/options.js';

/** What a root file system says of itself. Steps have written it: nothing in it is to be trusted. */
export interface RootState {
  /** dpkg's list of what is installed; undefined where there is none. */
  readonly dpkgStatus: string | undefined;
  /** Of Debian, where it is one that we know. */
  readonly suite: DebianSuite | undefined;
  /** Bytes. */
  readonly free: number;
  /** It has what makes its file system larger. */
  readonly canGrow: boolean;
}

/** Bytes of a list of packages that are read; that of a whole desktop has 5 MB. */
const longestStatus = 64 << 20;

/** @throws GvaError where the image has no file system that can be read */
export async function readRootState(image: string): Promise<RootState> {
  await using source = await openRaw(image);
  const tree = await openExt4(source);
  const read = async (path: string, limit: number) => {
    try {
      return (await tree.readFileBytes(path, limit)).toString();
    } catch (error) {
      if (error instanceof GvaError) return undefined;
      throw error;
    }
  };
  // In Debian, etc/os-release is a link to it.
  const release =
    (await read('usr/lib/os-release', 1 << 16)) ?? (await read('etc/os-release', 1 << 16)) ?? '';
  const codename = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(release)?.[1];
  const has = (path: string) =>
    tree.lookup(path).then(
      () => true,
      (error: unknown) => {
        if (error instanceof GvaError) return false;
        throw error;
      },
    );
  return {
    dpkgStatus: await read('var/lib/dpkg/status', longestStatus),
    suite: /^ID=debian$/m.test(release) ? debianSuites.find((each) => each === codename) : undefined,
    free: tree.freeBlocks * tree.blockSize,
    canGrow: (await has('usr/sbin/resize2fs')) || (await has('sbin/resize2fs')),
  };
}

/** Bytes of all files of a root file system together; a file of several names counts once. */
export async function contentSizeOf(image: string): Promise<number> {
  await using source = await openRaw(image);
  const tree = await openExt4(source);
  let bytes = 0;
  for await (const { node } of tree.list())
    if (node.kind === 'file') bytes += node.size / Math.max(node.links, 1);
  return Math.round(bytes);
}
