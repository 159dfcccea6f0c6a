import { type BlockSource, openRaw } from '../../disk/source.js';
import { ociLayerError } from './errors.js';
import { type ImageTree, type NodeAttributes, fileNode, folderNode, linkNode } from './image-tree.js';
import { type TarEntry, tarEntries } from './tar-entries.js';

/** Members of one layer: a million files of a few hundred bytes of memory each. */
const mostMembers = 1_000_000;

/** OCI image specification 1.1, layer.md, "Whiteouts". */
const whiteout = { prefix: '.wh.', opaque: '.wh..wh..opq', others: '.wh..wh.' };

/**
 * Changes a root file system as a layer says. What the layer takes away is taken from what is below it, whatever the order of
 * its members. Devices and pipes are left out: they are the kernel's own.
 *
 * @param file the layer, a tar archive that is not compressed; the tree refers to it
 * @throws GvaError OCI_LAYER, PACKAGE_CORRUPT
 */
export async function applyLayer(tree: ImageTree, file: string): Promise<void> {
  await using archive = await openRaw(file);
  const members = await readMembers(archive);
  for (const { path } of members) takeAway(tree, path);
  for (const member of members) if (!nameOf(member.path).startsWith(whiteout.prefix)) put(tree, member, file);
}

async function readMembers(archive: BlockSource): Promise<TarEntry[]> {
  const members: TarEntry[] = [];
  for await (const member of tarEntries(archive)) {
    if (members.length === mostMembers) throw ociLayerError(`a layer has more than ${mostMembers} members`);
    members.push(member);
  }
  return members;
}

const nameOf = (path: string) => path.replace(/\/+$/, '').split('/').at(-1) ?? '';

function takeAway(tree: ImageTree, path: string): void {
  const name = nameOf(path);
  if (!name.startsWith(whiteout.prefix)) return;
  const folder = path.replace(/[^/]*\/*$/, '');
  if (name === whiteout.opaque) {
    tree.empty(folder);
    return;
  }
  // Of aufs, for its own use.
  if (name.startsWith(whiteout.others)) return;
  const gone = name.slice(whiteout.prefix.length);
  if (['', '.', '..'].includes(gone)) throw ociLayerError(`the whiteout ${path} names nothing`);
  tree.remove(`${folder}/${gone}`);
}

function put(tree: ImageTree, member: TarEntry, file: string): void {
  const { path, type, size, at, target } = member;
  const attributes = attributesOf(member);
  switch (type) {
    case '0': {
      tree.place(path, { ...fileNode({ file, at, size }), ...attributes });
      return;
    }
    case '1': {
      putLink(tree, path, target);
      return;
    }
    case '2':
      if (target === '' || target.length > 4095) throw ociLayerError(`the link ${path} leads nowhere`);
      {
        tree.place(path, { ...linkNode(target), ...attributes, permissions: 0o777 });
        return;
      }
    case '5': {
      tree.place(path, { ...folderNode(), ...attributes });
      return;
    }
    case '3':
    case '4':
    case '6':
      return;
    default:
      throw ociLayerError(`${path} is of the unknown type ${JSON.stringify(type)}`);
  }
}

/** Two names of one file, which may be in a layer below. */
function putLink(tree: ImageTree, path: string, target: string): void {
  const node = tree.findLink(target);
  if (!node) throw ociLayerError(`${path} is another name of ${target}, which is not there`);
  if (node.kind === 'folder') throw ociLayerError(`${path} is another name of the folder ${target}`);
  tree.place(path, node);
}

/** Labels of security modules that the guest's kernels do not have, and an overlay's own marks, are left out. */
const keptXattrs = /^(security\.capability|user\..+|system\.posix_acl_(access|default))$/;

const attributesOf = ({ permissions, uid, gid, xattrs }: TarEntry): NodeAttributes => ({
  ...{ permissions, uid, gid },
  xattrs: new Map([...xattrs].filter(([name]) => keptXattrs.test(name))),
});
