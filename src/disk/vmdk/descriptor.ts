import { corrupt, noDescriptor, unsupported } from './errors.js';
import { SECTOR } from './format.js';

const createTypes = ['streamOptimized', 'monolithicSparse'] as const;
export type CreateType = (typeof createTypes)[number];

export interface Descriptor {
  readonly createType: CreateType;
  /** Bytes of the only extent, which is the whole disk. */
  readonly size: number;
}

/**
 * Parses an embedded descriptor. One that speaks of any other file is refused: a parent, several extents, or an
 * extent that is not this file.
 */
export function parseDescriptor(bytes: Buffer): Descriptor {
  const end = bytes.indexOf(0);
  const text = bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
  if (text === '') throw noDescriptor();
  if (!/^# ?Disk Descriptor ?File/i.test(text)) throw corrupt('its descriptor does not begin as one');
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const settings = parseSettings(lines);
  if (!settings.has('parentcid')) throw corrupt('its descriptor does not say whether it has a parent');
  // QEMU looks for the hint anywhere in the text.
  if (settings.get('parentcid')?.toLowerCase() !== 'ffffffff' || /parentFileNameHint/i.test(text))
    throw unsupported('a parent, as a delta disk or a snapshot');
  const type = settings.get('createtype');
  const createType = createTypes.find((known) => known === type);
  if (createType === undefined) throw unsupported(`the type ${quoted(type)}`);
  return { createType, size: onlyExtent(lines) };
}

/** Keys in lower case, as no two tools agree whether that matters. */
function parseSettings(lines: readonly string[]): Map<string, string> {
  const settings = new Map<string, string>();
  for (const line of lines) {
    const [, key, value = ''] = /^([^\s=#]+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (key === undefined) continue;
    const name = key.toLowerCase();
    if (settings.has(name) && !name.startsWith('ddb.'))
      throw corrupt(`its descriptor says ${quoted(key)} twice`);
    settings.set(name, value.replace(/^"(.*)"$/, '$1'));
  }
  return settings;
}

function onlyExtent(lines: readonly string[]): number {
  const extents = lines.filter((line) => /^(RW|RDONLY|NOACCESS)\b/i.test(line));
  const [line, second] = extents;
  if (line === undefined) throw corrupt('its descriptor has no extent');
  if (second !== undefined) throw unsupported(`${extents.length} extents`);
  const match = /^(RW|RDONLY|NOACCESS)\s+(\d{1,16})\s+(\w+)(?:\s+"([^"]*)"(?:\s+0)?)?$/.exec(line);
  if (!match) throw corrupt(`its extent cannot be read: ${quoted(line)}`);
  const [, access, sectors, type, name = ''] = match;
  if (access === 'NOACCESS') throw unsupported('an extent without access');
  if (type !== 'SPARSE') throw unsupported(`an extent of the type ${quoted(type)}`);
  if (/[/\\]/.test(name)) throw unsupported(`an extent in another folder: ${quoted(name)}`);
  return Number(sectors) * SECTOR;
}

/** Text from the image that is safe on a terminal, and short. */
function quoted(text: string | undefined): string {
  return text === undefined ? 'that is missing' : JSON.stringify(text.slice(0, 60).replace(/[^ -~]/g, '?'));
}

/**
 * The descriptor of a streamOptimized disk. Adapter and version of the guest's tools are those that every
 * hypervisor takes; the name of the extent is what VMware's own exports have.
 *
 * @param sectors of the disk
 * @param contentId 32 hexadecimal digits; the last 8 become the CID
 */
export function descriptorText(sectors: number, contentId: string): string {
  const id = allowedContentId(contentId);
  const geometry = { heads: 255, sectors: 63 };
  const cylinders = Math.min(65_535, Math.ceil(sectors / (geometry.heads * geometry.sectors)));
  return `# Disk DescriptorFile
version=1
encoding="UTF-8"
CID=${id.slice(-8)}
parentCID=ffffffff
createType="streamOptimized"

# Extent description
RDONLY ${sectors} SPARSE "generated-stream.vmdk"

# The Disk Data Base
#DDB

ddb.adapterType = "lsilogic"
ddb.geometry.cylinders = "${cylinders}"
ddb.geometry.heads = "${geometry.heads}"
ddb.geometry.sectors = "${geometry.sectors}"
ddb.longContentID = "${id}"
ddb.toolsVersion = "2147483647"
ddb.virtualHWVersion = "4"
`;
}

/** The CIDs ffffffff and fffffffe mean "no parent" and "not yet set". */
function allowedContentId(contentId: string): string {
  if (!/^[0-9a-f]{32}$/.test(contentId)) throw new RangeError(`not a content id: ${contentId}`);
  return contentId.replace(/fffffff[ef]$/, 'fffffffd');
}
