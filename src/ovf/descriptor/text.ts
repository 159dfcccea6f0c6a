/** Control and format characters (among them the bidirectional overrides) and line separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** Text of a stranger on one line that is safe on a terminal and in a report, cut to `length` characters. */
export function plain(text: string, length: number): string {
  const line = text
    .slice(0, length + 1)
    .replace(UNPRINTABLE, ' ')
    .toWellFormed();
  return line.length > length ? `${line.slice(0, length).toWellFormed()}...` : line;
}

/** Text of a stranger as a quotation within a message. */
export function quoted(text: string): string {
  return `"${plain(text, 60)}"`;
}

/** Lists are separated by blanks or commas, as the standard had it both ways. */
export function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}
