/** A strict little reader of the plain ISO 9660 and the Joliet hierarchy, to check what xorriso does not. */
export interface IsoDirectory {
  kind: 'directory';
  sector: number;
  children: Map<string, IsoNode>;
}
export type IsoNode = IsoDirectory | { kind: 'file'; sector: number; content: Buffer };

export interface IsoVolume {
  volumeId: string;
  sectors: number;
  root: IsoDirectory;
}

const sectorSize = 2048;
type Decode = (bytes: Buffer) => string;

/** Reads the hierarchy of a descriptor: 1 for the primary one, 2 for Joliet. Throws where the standard is not kept. */
export function readIso(bytes: Uint8Array, type: 1 | 2): IsoVolume {
  const image = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const decode: Decode = (text) =>
    type === 1 ? text.toString('latin1') : Buffer.from(text).swap16().toString('utf16le');
  const descriptor = image.subarray(findDescriptor(image, type) * sectorSize);
  if (type === 2 && descriptor.toString('latin1', 88, 91) !== '%/E')
    throw new Error('no Joliet escape sequence');
  const sectors = both32(descriptor, 80);
  if (sectors * sectorSize !== image.length) throw new Error(`${sectors} sectors in ${image.length} bytes`);
  const root = readDirectory(image, both32(descriptor, 158), both32(descriptor, 166), decode);
  checkPathTables(image, descriptor, root, decode);
  return { volumeId: decode(descriptor.subarray(40, 72)), sectors, root };
}

function findDescriptor(image: Buffer, type: number): number {
  for (let sector = 16; ; sector++) {
    const head = image.subarray(sector * sectorSize, sector * sectorSize + 7);
    if (head.toString('latin1', 1, 6) !== 'CD001' || head[0] === 255)
      throw new Error(`no descriptor ${type}`);
    if (head[0] === type) return sector;
  }
}

function readDirectory(image: Buffer, sector: number, length: number, decode: Decode): IsoDirectory {
  const children = new Map<string, IsoNode>();
  let previous: string | undefined;
  for (let at = sector * sectorSize, count = 0; at < sector * sectorSize + length; count++) {
    const record = image.subarray(at, at + (image[at] ?? 0));
    if (record.length === 0) {
      at = Math.ceil((at + 1) / sectorSize) * sectorSize;
      continue;
    }
    if (Math.floor(at / sectorSize) !== Math.floor((at + record.length - 1) / sectorSize)) {
      throw new Error('a record crosses a sector');
    }
    at += record.length;
    const child = { sector: both32(record, 2), length: both32(record, 10) };
    if (count < 2) continue;
    const identifier = decode(record.subarray(33, 33 + (record[32] ?? 0)));
    const isDirectory = record[25] === 2;
    const key = identifier.replace(/;1$/, '').replaceAll('.', '\0');
    if (previous !== undefined && !(previous < key))
      throw new Error(`${identifier} is not in order or twice`);
    previous = key;
    if (isDirectory) {
      children.set(identifier, readDirectory(image, child.sector, child.length, decode));
      continue;
    }
    if (!identifier.endsWith(';1')) throw new Error(`${identifier} has no version`);
    const content = image.subarray(child.sector * sectorSize, child.sector * sectorSize + child.length);
    if (content.length !== child.length) throw new Error(`${identifier} ends behind the image`);
    children.set(identifier.slice(0, -2), { kind: 'file', sector: child.sector, content });
  }
  return { kind: 'directory', sector, children };
}

/** Both path tables must list the directories level by level, with their sectors and parents. */
function checkPathTables(image: Buffer, descriptor: Buffer, root: IsoDirectory, decode: Decode): void {
  const expected: string[] = [];
  const pending = [{ directory: root, name: '\0', parent: 1 }];
  for (const { directory, name, parent } of pending) {
    expected.push(`${name} ${directory.sector} ${parent}`);
    const number = expected.length;
    for (const [childName, child] of directory.children) {
      if (child.kind === 'directory') pending.push({ directory: child, name: childName, parent: number });
    }
  }
  const length = both32(descriptor, 132);
  for (const endian of ['LE', 'BE'] as const) {
    const start = endian === 'LE' ? descriptor.readUInt32LE(140) : descriptor.readUInt32BE(148);
    const table = image.subarray(start * sectorSize, start * sectorSize + length);
    const found: string[] = [];
    for (let at = 0; at < length;) {
      const nameLength = table[at] ?? 0;
      const raw = table.subarray(at + 8, at + 8 + nameLength);
      const name = nameLength === 1 && raw[0] === 0 ? '\0' : decode(raw);
      found.push(`${name} ${table[`readUInt32${endian}`](at + 2)} ${table[`readUInt16${endian}`](at + 6)}`);
      at += 8 + nameLength + (nameLength % 2);
    }
    if (found.join('\n') !== expected.join('\n'))
      throw new Error(`path table ${endian}: ${found.join('\n')}`);
  }
}

function both32(buffer: Buffer, offset: number): number {
  const value = buffer.readUInt32LE(offset);
  if (buffer.readUInt32BE(offset + 4) !== value) throw new Error(`the two halves at ${offset} differ`);
  return value;
}
