/** `csv`: RFC 4180; `tsv`: text/tab-separated-values (IANA), without quotes; `jsonl`: an object on each line. */
export type TableFormat = 'csv' | 'tsv' | 'jsonl';

const formats: Record<string, TableFormat> = {
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.tab': 'tsv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
};

/** The format that the end of a file's name tells; undefined where it tells none. */
export function tableFormat(path: string): TableFormat | undefined {
  return formats[/\.[a-z]+$/i.exec(path)?.[0].toLowerCase() ?? ''];
}

/** Something wrong in a table, with its place: line and column from 1. */
export class TableError extends Error {
  override readonly name = 'TableError';
  readonly line: number;
  readonly column: number;

  constructor(line: number, column: number, message: string) {
    super(message);
    this.line = line;
    this.column = column;
  }
}

/** The fields of a record. @throws TableError */
export function cellsOf(text: string, line: number, format: 'csv' | 'tsv'): string[] {
  if (format === 'tsv') return text.split('\t');
  return text.includes('"') ? quotedCells(text, line) : text.split(',');
}

const notClosed = 'the quote is not closed';

/** Whether a line has a quote that makes no sense, however the record may go on in the next one. */
export function hasMisplacedQuote(text: string): boolean {
  try {
    quotedCells(text, 1);
    return false;
  } catch (error) {
    return error instanceof TableError && error.message !== notClosed;
  }
}

/** RFC 4180, section 2, with quotes in the record. */
function quotedCells(text: string, line: number): string[] {
  const cells: string[] = [];
  for (let at = 0; ; at++) {
    const cell = text[at] === '"' ? quotedCell(text, at, line) : plainCell(text, at, line);
    cells.push(cell.text);
    at = cell.end;
    if (at >= text.length) return cells;
  }
}

function plainCell(text: string, from: number, line: number): { text: string; end: number } {
  const comma = text.indexOf(',', from);
  const end = comma < 0 ? text.length : comma;
  const cell = text.slice(from, end);
  const quote = cell.indexOf('"');
  if (quote >= 0)
    throw placed(
      text,
      from + quote,
      line,
      'a quote within a cell: put the cell in quotes, and write the quote twice',
    );
  return { text: cell, end };
}

function quotedCell(text: string, from: number, line: number): { text: string; end: number } {
  let end = text.indexOf('"', from + 1);
  while (end >= 0 && text[end + 1] === '"') end = text.indexOf('"', end + 2);
  if (end < 0) throw placed(text, from, line, notClosed);
  if (end + 1 < text.length && text[end + 1] !== ',')
    throw placed(text, end + 1, line, 'there is something between the closing quote and the comma');
  return { text: text.slice(from + 1, end).replaceAll('""', '"'), end: end + 1 };
}

/** Records may go over several lines. */
function placed(text: string, at: number, line: number, message: string): TableError {
  const before = text.slice(0, at).split('\n');
  return new TableError(line + before.length - 1, (before.at(-1) ?? '').length + 1, message);
}

/** Where the cell of that number begins, from the record's text: line and column. */
export function placeOfCell(
  text: string,
  line: number,
  format: TableFormat,
  number: number,
): [number, number] {
  if (format === 'jsonl') return [line, 1];
  let at = 0;
  for (let skipped = 0; skipped < number; skipped++) {
    if (format === 'csv' && text[at] === '"') at = quotedCell(text, at, line).end;
    else at = text.indexOf(format === 'csv' ? ',' : '\t', at);
    at++;
  }
  const { line: cellLine, column } = placed(text, at, line, '');
  return [cellLine, column];
}
