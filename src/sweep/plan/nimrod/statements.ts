import type { FileMistakes } from '../mistakes.js';
import { type Token, tokensOf, withoutComments } from './tokens.js';

/** The statements of a Nimrod plan, as far as they are known. */
export interface NimrodFile {
  /** The words of each `parameter` statement, that word included. */
  readonly parameters: readonly (readonly Token[])[];
  readonly tasks: readonly { readonly name: Token; readonly lines: readonly TaskLine[] }[];
  /** What has no meaning here and is left out. */
  readonly notes: readonly string[];
}

/** A command of a task. */
export interface TaskLine {
  readonly words: readonly Token[];
  /** All of it as it was written, with its continuation lines. */
  readonly text: string;
}

const statements = ['parameter', 'task', 'variable', 'jobs', 'props', 'result', 'output'];

/** Takes a plan apart; `mistakes` takes what is wrong with it. */
export function readStatements(source: string, mistakes: FileMistakes): NimrodFile {
  const text = withoutComments(source);
  const tokens = tokensOf(text).filter(({ text: word, quoted }) => quoted || word !== ';');
  const parameters: Token[][] = [];
  const tasks: { name: Token; lines: TaskLine[] }[] = [];
  const notes: string[] = [];
  const fail = (token: Token, message: string) => mistakes.add(token.line, token.column, message);
  for (let at = 0; at < tokens.length;) {
    const first = tokens[at] as Token;
    const rest = tokens.slice(at + 1);
    const end =
      first.text === 'task'
        ? endOf(rest, 'endtask')
        : first.text === 'props'
          ? endOf(rest, 'endprops')
          : endOfStatement(rest);
    const words = tokens.slice(at, at + 1 + end);
    at += 1 + end;
    if (first.text === 'parameter') parameters.push(words);
    else if (first.text === 'task') tasks.push(readTask(words, text, fail));
    else if (first.text === 'props')
      notes.push('props is left out: what an instance gets is said in gva.yaml, hardware');
    else if (first.text === 'result' || first.text === 'output')
      notes.push(`${first.text} ${words[1]?.text ?? ''} is left out: all that is left in /output comes home`);
    else if (first.text === 'variable' || first.text === 'jobs')
      fail(
        first,
        `${first.text}: this is a run file, made from a plan by Nimrod; give the plan, or a table of the jobs`,
      );
    else fail(first, `unknown statement ${JSON.stringify(first.text)}: there is ${statements.join(', ')}`);
  }
  return { parameters, tasks, notes };
}

/** Number of words up to the one that ends the block, that one included; all, where there is none. */
function endOf(words: readonly Token[], last: string): number {
  const found = words.findIndex(({ text, quoted }) => !quoted && text === last);
  return found < 0 ? words.length : found + 1;
}

/** Number of words up to the next line that begins with a statement. */
function endOfStatement(words: readonly Token[]): number {
  const found = words.findIndex(
    ({ text, quoted, line }, index) =>
      !quoted && statements.includes(text) && words[index - 1]?.line !== line,
  );
  return found < 0 ? words.length : found;
}

function readTask(
  words: readonly Token[],
  text: string,
  fail: (token: Token, message: string) => void,
): { name: Token; lines: TaskLine[] } {
  const [first, name = first as Token, ...rest] = words;
  const last = rest.at(-1);
  if (last?.text !== 'endtask') fail(first as Token, 'the task has no endtask');
  const lines: TaskLine[] = [];
  for (const commands of linesOf(
    rest.filter((word) => word !== last || last.text !== 'endtask'),
    text,
  )) {
    const [start, end] = [commands[0]?.start ?? 0, commands.at(-1)?.end ?? 0];
    const written = text.slice(start, end).replace(/\\\s*\n\s*/g, '');
    lines.push({
      words: commands.filter(({ text: word, quoted }) => quoted || word !== '\\'),
      text: written,
    });
  }
  return { name, lines };
}

/** The words by lines; one that ends with a backslash goes on. */
function linesOf(words: readonly Token[], text: string): Token[][] {
  const lines: Token[][] = [];
  for (const word of words) {
    const before = lines.at(-1)?.at(-1);
    const between = before === undefined ? '\n' : text.slice(before.end, word.start);
    if (
      before === undefined ||
      (between.includes('\n') && before.text !== '\\' && !before.text.endsWith('\\'))
    )
      lines.push([word]);
    else lines.at(-1)?.push(word);
  }
  return lines;
}
