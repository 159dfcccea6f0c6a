/** A field of RFC 4180, section 2: in quotes where it has a quote, comma or line end in it. */
export function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const formula = /^[=+\-@\t\r]/;
const number = /^[-+]?(?:\d+\.?\d*|\.\d+|inf|nan|Infinity|NaN)(?:[eE][-+]?\d+)?$/;

/**
 * A field with words of a guest. A spreadsheet would take text that begins with one of = + - @ for a formula, which may
 * start programs: such text gets an apostrophe before it, unless it is a number. Other formats have it as it was.
 */
export function guestCell(text: string): string {
  return csvCell(formula.test(text) && !number.test(text) ? `'${text}` : text);
}

const field = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r?\n|$)/y;

/**
 * The records of a text by RFC 4180; a line may end with LF alone. Empty lines are none.
 *
 * @throws SyntaxError
 */
export function* csvRecords(text: string): Generator<string[]> {
  const reader = new RegExp(field);
  let record: string[] = [];
  while (reader.lastIndex < text.length || record.length > 0) {
    const match = reader.exec(text);
    if (!match) throw new SyntaxError('a quote where none may be');
    record.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === ',') continue;
    if (record.length > 1 || record[0] !== '') yield record;
    record = [];
  }
}
