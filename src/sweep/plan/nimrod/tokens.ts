/** A word of a Nimrod plan, with its place: line and column from 1. */
export interface Token {
  /** Of a string, what is between its quotes. */
  readonly text: string;
  readonly quoted: boolean;
  readonly line: number;
  readonly column: number;
  /** Where it stands in the text. */
  readonly start: number;
  readonly end: number;
}

/** The text with blanks where comments were, so that everything keeps its place. */
export function withoutComments(text: string): string {
  // Strings are matched so that nothing in them is taken for a comment.
  return text.replace(/"(?:\\[^]|[^"\\\n])*"|\/\*[^]*?\*\/|(?<=^|\s)\/\/[^\n]*|^[ \t]*#[^\n]*/gm, (all) =>
    all.startsWith('"') ? all : all.replace(/[^\n]/g, ' '),
  );
}

/** Words, strings and semicolons. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let [line, lineStart, seen] = [1, 0, 0];
  for (const match of text.matchAll(/"((?:\\[^]|[^"\\\n])*)"|;|[^\s;"]+|"/g)) {
    for (let at = text.indexOf('\n', seen); at >= 0 && at < match.index; at = text.indexOf('\n', at + 1))
      [line, lineStart] = [line + 1, at + 1];
    seen = match.index;
    const [all, string] = match;
    const place = {
      line,
      column: match.index - lineStart + 1,
      start: match.index,
      end: match.index + all.length,
    };
    tokens.push({
      text: string === undefined ? all : unescaped(string),
      quoted: string !== undefined,
      ...place,
    });
  }
  return tokens;
}

const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', '0': '\0' };

/** The escape sequences of C that people use. A line that ends with a backslash goes on. */
export function unescaped(string: string): string {
  return string.replace(/\\(\r?\n|[^])/g, (_, next: string) =>
    next.endsWith('\n') ? '' : (escapes[next] ?? next),
  );
}

/** Whether a text is a Nimrod plan: it begins with one of its statements, not with the name of a YAML entry. */
export function isNimrodPlan(text: string): boolean {
  return /^\s*(?:parameter\s+[^\s:]+\s|task\s+[a-z]+\s*$)/m.test(
    withoutComments(text).trimStart().split('\n', 1)[0] ?? '',
  );
}
