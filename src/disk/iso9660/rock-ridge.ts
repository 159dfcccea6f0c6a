import { writeBoth32 } from './fields.js';
import { entryHeadLength, extensionsReferenceEntry, maxEntryLength, systemUseEntry } from './susp.js';

/** File types in the mode of a PX entry (RRIP 1.12, 4.1.1). */
export const FileType = { directory: 0o040000, file: 0o100000, symlink: 0o120000 } as const;

/** ER of RRIP 1.12 (4.3). */
export function rockRidgeReference(): Buffer {
  return extensionsReferenceEntry(
    'IEEE_P1282',
    'THE IEEE P1282 PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS.',
    'PLEASE CONTACT THE IEEE STANDARDS DEPARTMENT, PISCATAWAY, NJ, USA FOR THE P1282 SPECIFICATION.',
  );
}

/** PX: mode, links, owner (always root:root) and serial number (RRIP 1.12, 4.1.1). */
export function posixEntry(mode: number, links: number, serial: number): Buffer {
  const entry = systemUseEntry('PX', 40);
  writeBoth32(entry, mode, 4);
  writeBoth32(entry, links, 12);
  writeBoth32(entry, serial, 36);
  return entry;
}

/** TF: modification, access and attribute change, all the same (RRIP 1.12, 4.1.6). */
export function timesEntry(recordingDate: Buffer): Buffer {
  const entry = systemUseEntry('TF', 1 + 3 * recordingDate.length);
  entry[4] = 0x0e;
  for (const index of [0, 1, 2]) entry.set(recordingDate, 5 + index * recordingDate.length);
  return entry;
}

/** Bytes of a name or of component records in one NM or SL entry, after its flags. */
const entryRoom = maxEntryLength - entryHeadLength - 1;
/** Flag of NM, SL and component records: the next one continues this one. */
const continues = 1;

/** NM: the name, in several entries where it is long (RRIP 1.12, 4.1.4). */
export function nameEntries(name: string): Buffer[] {
  const bytes = Buffer.from(name);
  const parts: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += entryRoom)
    parts.push(bytes.subarray(start, start + entryRoom));
  return continuedEntries('NM', parts);
}

/** Flags of a component record that stands for something else than its text (RRIP 1.12, 4.1.3.1). */
const ComponentFlag = { text: 0, current: 2, parent: 4, root: 8 } as const;

/**
 * SL: the target of a symbolic link (RRIP 1.12, 4.1.3). Each entry but the last is filled to the brim, splitting
 * components where need be: Linux miscounts the length of a target with an entry that ends with the root.
 */
export function symlinkEntries(target: string): Buffer[] {
  const areas: Buffer[] = [];
  let area = Buffer.alloc(entryRoom);
  let used = 0;
  for (const { flags, text } of symlinkComponents(target)) {
    let start = 0;
    do {
      // A record that would have no byte of its text is of no use.
      if (entryRoom - used < (start < text.length ? 3 : 2)) {
        areas.push(area.subarray(0, used));
        area = Buffer.alloc(entryRoom);
        used = 0;
      }
      const end = Math.min(text.length, start + entryRoom - used - 2);
      area[used] = end < text.length ? continues : flags;
      area[used + 1] = end - start;
      area.set(text.subarray(start, end), used + 2);
      used += 2 + end - start;
      start = end;
    } while (start < text.length);
  }
  return continuedEntries('SL', [...areas, area.subarray(0, used)]);
}

function symlinkComponents(target: string): { flags: number; text: Buffer }[] {
  const none = Buffer.alloc(0);
  const absolute = target.startsWith('/');
  const names = target === '/' ? [] : target.slice(absolute ? 1 : 0).split('/');
  const components = names.map((name) => {
    if (name === '.') return { flags: ComponentFlag.current, text: none };
    if (name === '..') return { flags: ComponentFlag.parent, text: none };
    return { flags: ComponentFlag.text, text: Buffer.from(name) };
  });
  return absolute ? [{ flags: ComponentFlag.root, text: none }, ...components] : components;
}

/** One entry for each part; all but the last say that another follows. */
function continuedEntries(signature: string, parts: readonly Buffer[]): Buffer[] {
  return parts.map((part, index) => {
    const entry = systemUseEntry(signature, 1 + part.length);
    entry[4] = index < parts.length - 1 ? continues : 0;
    entry.set(part, 5);
    return entry;
  });
}
