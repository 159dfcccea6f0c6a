import { tarChecksum, tarField, TAR_BLOCK } from '../../src/ovf/tar/header.js';

/** A member as raw as a hostile archive needs it; what is not given is as `tar --format=ustar` writes it. */
export interface RawMember {
  name?: string | Buffer;
  content?: string | Buffer;
  /** A number, or the bytes of the field. */
  size?: number | string;
  type?: string;
  magic?: string;
  version?: string;
  prefix?: string;
  linkName?: string;
  /** Signed characters, as some old writers; or none that is right. */
  checksum?: 'signed' | 'wrong';
}

/** An archive of these members, and so many bytes of zeros at its end. */
export function tarBytes(members: readonly RawMember[], end = 2 * TAR_BLOCK): Buffer {
  return Buffer.concat([...members.map(memberBytes), Buffer.alloc(end)]);
}

export function memberBytes(member: RawMember): Buffer {
  const content = Buffer.from(member.content ?? '');
  const block = Buffer.alloc(TAR_BLOCK);
  const put = (field: keyof typeof tarField, bytes: string | Buffer) =>
    Buffer.from(bytes as string, 'latin1').copy(block, tarField[field][0], 0, tarField[field][1]);
  const size = member.size ?? content.length;
  put('name', typeof member.name === 'string' ? Buffer.from(member.name) : (member.name ?? 'member'));
  put('mode', '0000644');
  put('size', typeof size === 'string' ? size : size.toString(8).padStart(11, '0'));
  put('mtime', '00000000000');
  put('type', member.type ?? '0');
  put('magic', member.magic ?? 'ustar\0');
  put('version', member.version ?? '00');
  put('prefix', member.prefix ?? '');
  put('linkName', member.linkName ?? '');
  put('checksum', `${checksum(block, member.checksum).toString(8).padStart(6, '0')}\0 `);
  return Buffer.concat([block, content, Buffer.alloc(-content.length & (TAR_BLOCK - 1))]);
}

function checksum(block: Buffer, kind: RawMember['checksum']): number {
  const sum = tarChecksum(block);
  if (kind === 'wrong') return sum + 1;
  return kind === 'signed' ? sum - 256 * block.filter((byte) => byte >= 0x80).length : sum;
}

/** A pax header for the member that follows, or for all (g). */
export function pax(records: Readonly<Record<string, string>>, type = 'x'): RawMember {
  return { name: 'PaxHeaders/x', type, content: Object.entries(records).map(paxRecord).join('') };
}

function paxRecord([key, value]: [string, string]): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return `${length} ${key}=${value}\n`;
}

/** The bytes of a size field in GNU's base-256. */
export function base256(size: bigint): string {
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64BE(size, 4);
  bytes[0] = 0x80;
  return bytes.toString('latin1');
}

/** The members of a small package, in the order of the standard. */
export const smallPackage: RawMember[] = [
  { name: 'x.ovf', content: '<Envelope/>' },
  { name: 'x-disk1.vmdk', content: 'disk one' },
];
