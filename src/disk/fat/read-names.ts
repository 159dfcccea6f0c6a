/** Upper half of code page 437, in which Linux takes short names unless told otherwise. */
const codePage =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀' +
  'αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

/** Bits by which Windows NT and Linux keep lower case in a short name. */
const LowerCase = { stem: 0x08, extension: 0x10 } as const;

/** The name in a short entry. */
export function shortNameOf(entry: Buffer): string {
  const flags = entry.readUInt8(12);
  const stem = decoded(entry.subarray(0, 8), (flags & LowerCase.stem) !== 0);
  const extension = decoded(entry.subarray(8, 11), (flags & LowerCase.extension) !== 0);
  return extension === '' ? stem : `${stem}.${extension}`;
}

function decoded(bytes: Buffer, lower: boolean): string {
  // In front, 5 stands for E5h, which would mark a free entry.
  const characters = Array.from(bytes, (byte, index) => character(index === 0 && byte === 5 ? 0xe5 : byte));
  const text = characters.join('').trimEnd();
  return lower ? text.toLowerCase() : text;
}

function character(byte: number): string {
  return byte < 0x80 ? String.fromCharCode(byte) : (codePage[byte - 0x80] ?? '?');
}
