import { splitExtension, type NameRule } from '../unique-names.js';

/** Longest VFAT name in UTF-16 code units. */
const maxNameLength = 255;

/** Why VFAT cannot hold a name as it is; undefined if it can. */
export function nameProblem(name: string): string | undefined {
  const forbidden = /[\x01-\x1f"*/:<>?\\|\uffff]/.exec(name); // eslint-disable-line no-control-regex
  if (forbidden !== null) return `FAT has no names with the character ${JSON.stringify(forbidden[0])}`;
  if (/[. ]$/.test(name)) return 'FAT has no names that end with a dot or a space';
  if (name.length > maxNameLength) return `the name is longer than ${maxNameLength} UTF-16 code units`;
  return undefined;
}

/** What names that differ only by case have in common. Characters that would become several stay. */
export function foldCase(name: string): string {
  return name.replace(/[^A-Z0-9._-]/gu, (character) => {
    const upper = character.toUpperCase();
    return upper.length === character.length ? upper : character;
  });
}

/**
 * Short names of names folded by `foldCase`: the name itself where it is one, else up to 6 of its characters with
 * `~1` and up to 3 of the extension (FAT specification, "The Basis-Name Generation Algorithm").
 */
export const shortNameRule: NameRule = {
  propose(name) {
    if (/^[A-Z0-9$%'\-_@~`!(){}^#&]{1,8}(\.[A-Z0-9$%'\-_@~`!(){}^#&]{1,3})?$/.test(name)) return name;
    const [stem, extension] = splitExtension(name.replace(/^[. ]+/, ''));
    return numbered(shortCharacters(stem), shortCharacters(extension).slice(0, 3), 1);
  },
  numbered(proposal, number) {
    const [stem = '', extension = ''] = proposal.split('.');
    return numbered(stem.replace(/~\d+$/, ''), extension, number);
  },
};

/** The 11 bytes of a short name in a directory entry, without its dot, padded with spaces. */
export function shortNameBytes(name: string): Buffer {
  const [stem = '', extension = ''] = name.split('.');
  return Buffer.from(stem.padEnd(8) + extension.padEnd(3), 'latin1');
}

/** Checksum by which long entries belong to their short one (FAT specification, "Short Name Checksum"). */
export function shortNameChecksum(shortName: Buffer): number {
  return shortName.reduce((sum, byte) => (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff, 0);
}

function shortCharacters(text: string): string {
  return text.replace(/[. ]/g, '').replace(/[^A-Z0-9$%'\-_@~`!(){}^#&]/gu, '_');
}

function numbered(stem: string, extension: string, number: number): string {
  const tail = `~${number}`;
  const short = stem.slice(0, 8 - tail.length) + tail;
  return extension === '' ? short : `${short}.${extension}`;
}
