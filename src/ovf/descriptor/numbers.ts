/**
 * A whole number that is not negative, of any size that a text of 30 digits can have; undefined for all
 * other texts. Sizes of 2^63 and more occur in descriptors that were written to break readers.
 */
export function parseWhole(text: string): bigint | undefined {
  const match = /^\s*\+?(\d{1,30})\s*$/.exec(text);
  return match?.[1] === undefined ? undefined : BigInt(match[1]);
}

/** The number as a double where that holds it exactly. */
export function safeNumber(value: bigint): number | undefined {
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : undefined;
}

/**
 * How many bytes a unit is: `byte * 2^20` (programmatic units of DSP0004, annex C) and what OVF 0.9,
 * VirtualBox and people write: `MegaBytes`, `MB`, `KB`. Undefined where it is none of bytes.
 */
export function bytesOfUnit(text: string): bigint | undefined {
  const unit = text.replace(/\s+/g, '').toLowerCase();
  const product = /^bytes?\*(?:(2|10)\^(\d{1,2})|(\d{1,18}))$/.exec(unit);
  if (product) {
    const [, base, power, factor] = product;
    return base === undefined ? BigInt(factor ?? 1) : BigInt(base) ** BigInt(power ?? 0);
  }
  const power = NAMED.get(unit.replace(/^(kilo|mega|giga|tera)bytes?$/, '$1').replace(/i?b$/, ''));
  if (unit === 'byte' || unit === 'bytes' || unit === 'b' || unit === '') return 1n;
  return power === undefined ? undefined : 1n << power;
}

const NAMED = new Map(
  ['k', 'm', 'g', 't', 'kilo', 'mega', 'giga', 'tera'].map((name, index) => [
    name,
    BigInt(10 * ((index % 4) + 1)),
  ]),
);

/** The bytes of a number with or without a unit of its own (`1024MB`); `unit` holds where it has none. */
export function parseBytes(text: string, unit: string): bigint | undefined {
  const match = /^\s*(\d{1,30})\s*([A-Za-z].*)?$/.exec(text.trimEnd());
  if (match?.[1] === undefined) return undefined;
  const factor = bytesOfUnit(match[2] ?? unit);
  return factor === undefined ? undefined : BigInt(match[1]) * factor;
}

/** An `xs:boolean`, also with capitals as VMware writes it; undefined for other texts. */
export function parseBoolean(text: string): boolean | undefined {
  const lower = text.trim().toLowerCase();
  if (lower === 'true' || lower === '1') return true;
  return lower === 'false' || lower === '0' ? false : undefined;
}
