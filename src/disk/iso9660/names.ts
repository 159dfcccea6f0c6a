import { splitExtension, type NameRule } from '../unique-names.js';

/** File names of interchange level 1 (ECMA-119 10.1): 8 and 3 d-characters; always with a dot (7.5.1). */
export const primaryFileRule: NameRule = {
  propose(name) {
    const [stem, extension] = splitExtension(name);
    return `${dCharacters(stem).slice(0, 8)}.${dCharacters(extension).slice(0, 3)}`;
  },
  numbered(proposal, number) {
    const [stem, extension] = proposal.split('.');
    return `${numberedStem(stem ?? '', number, 8)}.${extension ?? ''}`;
  },
};

/** Directory names of interchange level 1 (ECMA-119 10.1): 8 d-characters. */
export const primaryDirectoryRule: NameRule = {
  propose: (name) => dCharacters(name).slice(0, 8),
  numbered: (proposal, number) => numberedStem(proposal, number, 8),
};

/** Characters of a name, without version (Joliet specification, "Joliet Level 1: 64 characters"). */
const jolietNameLength = 64;

/** Joliet names: UCS-2 without control characters and `* / : ; ? \`. */
export const jolietRule: NameRule = {
  propose(name) {
    const allowed = name.replace(/[\0-\x1f*/:;?\\]/g, '_'); // eslint-disable-line no-control-regex
    if (allowed.length <= jolietNameLength) return allowed;
    return shortened(allowed, '');
  },
  numbered: (proposal, number) => shortened(proposal, `_${number}`),
};

/**
 * Sort key of an identifier (ECMA-119 9.3): file name before extension, the shorter of equals first. To be
 * compared by code units, which for Joliet is the order of its bytes.
 */
export function sortKey(name: string): string {
  return name.replaceAll('.', '\0');
}

function dCharacters(text: string): string {
  return text.toUpperCase().replace(/[^A-Z0-9_]/g, '_');
}

function numberedStem(stem: string, number: number, length: number): string {
  const digits = String(number);
  return stem.slice(0, length - digits.length) + digits;
}

/** Cuts the stem, never a surrogate pair, so that stem, suffix and a reasonable extension fit. */
function shortened(name: string, suffix: string): string {
  const [stem, extension] = splitExtension(name);
  const keepsExtension = extension !== '' && extension.length <= 16;
  const tail = keepsExtension ? `${suffix}.${extension}` : suffix;
  const whole = keepsExtension ? stem : name;
  return whole.slice(0, jolietNameLength - tail.length).replace(/[\uD800-\uDBFF]$/, '') + tail;
}
