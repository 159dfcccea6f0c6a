import { openExt4 } from '../../src/disk/ext4/index.js';
import { imageOf, type Plant } from './ext4-fixture.js';
import { changeAnywhere, EVIL_NAMES, usedPlace, type FuzzTarget, type Random } from './fuzz.js';

export const ext4Target = (): FuzzTarget => ({ images: baseImages(), open: openExt4, change });

/** Images of half a megabyte with all kinds of structures, close together. */
function baseImages(): Buffer[] {
  const many = Array.from({ length: 20 }, (_, n) => [`many/${'n'.repeat(n)}${n}`, `${n}`] as const);
  const plants: Record<string, Plant> = {
    ...Object.fromEntries(many),
    'a/b/c/d': 'deep',
    'a/large': `large${'\0'.repeat(1019)}`.repeat(40),
    'a/holes': { holes: Array.from({ length: 12 }, (_, n) => [n * 40_960, `${n}`]), size: 600_000 },
    'a/twin': { hardLink: 'a/large' },
    'a/near': { symlink: '../many/1' },
    'a/far': { symlink: '../../../../../../etc/passwd' },
    'a/long': { symlink: `b/${'../b/'.repeat(30)}c` },
    absolute: { symlink: '/etc/passwd' },
    mode: { file: 'x', mode: 0o4711 },
  };
  const formats: string[][] = [
    ['-b', '1024', '-I', '256', '-O', '^has_journal'],
    ['-b', '1024', '-I', '256', '-O', '^has_journal,^metadata_csum,^64bit'],
    ['-b', '1024', '-I', '128', '-t', 'ext2'],
    ['-b', '1024', '-I', '256', '-O', '^has_journal,inline_data,large_dir'],
    ['-b', '4096', '-I', '256', '-O', '^has_journal,uninit_bg,^metadata_csum'],
    ['-b', '1024', '-I', '256', '-g', '256', '-O', '^has_journal,meta_bg,^resize_inode,^flex_bg'],
  ];
  return formats.map((mke2fs) => imageOf(plants, { mke2fs: [...mke2fs, '-N', '96'], size: 768 }));
}

function change(bytes: Buffer, random: Random): void {
  const kind = random.below(3);
  if (kind === 0) changeAnywhere(bytes, random);
  else if (kind === 1) changeInode(bytes, random);
  else changeEntry(bytes, random);
}

/** Mode, sizes, links, flags, most of i_block, extra size, the attribute of inline data. */
const INODE_FIELDS = [
  0, 4, 0x6c, 0x1a, 0x20, 0x22, 0x28, 0x2a, 0x2c, 0x2e, 0x34, 0x38, 0x3c, 0x40, 0x58, 0x60, 0x80, 0xa8,
];

function changeInode(bytes: Buffer, random: Random): void {
  const blockSize = 1024 << (bytes.readUInt32LE(1024 + 0x18) & 7);
  const group = blockSize === 1024 ? 2048 : blockSize;
  const table = (bytes.readUInt32LE(group + 8) * blockSize) % (bytes.length - 65_536);
  const inode = table + random.pick([128, 256]) * random.pick([1, 10, 11 + random.below(50)]);
  const at = inode + random.pick(INODE_FIELDS);
  if (random.below(2) === 0) bytes.writeUInt32LE(random.number(), at);
  else bytes.writeUInt16LE(random.number() & 0xffff, at);
}

/** Changes the first directory entry behind a random place. */
function changeEntry(bytes: Buffer, random: Random): void {
  const start = usedPlace(bytes, random) & ~3;
  const length = (at: number) => bytes.readUInt16LE(at + 4);
  const looksLikeEntry = (at: number) =>
    bytes.readUInt32LE(at) - 1 < 96 &&
    length(at) >= 12 &&
    length(at) <= 4096 &&
    length(at) % 4 === 0 &&
    bytes[at + 7]! < 8;
  let at = start;
  while (at < bytes.length - 600 && !looksLikeEntry(at)) at += 4;
  switch (random.below(5)) {
    case 0:
      bytes.writeUInt32LE(random.below(70), at);
      break;
    case 1:
      bytes.writeUInt16LE(random.number() & 0xffff, at + 4);
      break;
    case 2:
      bytes.writeUInt8(random.below(256), at + 6);
      break;
    case 3: {
      const name = random.pick(EVIL_NAMES);
      bytes.writeUInt8(name.length, at + 6);
      bytes.write(name, at + 8, 'latin1');
      break;
    }
    default: // the next entry gets its name
      bytes.copy(bytes, at + (length(at) % 300) + 6, at + 6, at + 12);
  }
}
