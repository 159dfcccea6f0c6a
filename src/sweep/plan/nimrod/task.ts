import type { FileMistakes } from '../mistakes.js';
import type { TaskLine } from './statements.js';
import type { Token } from './tokens.js';

/** What a Nimrod plan does at each point. */
export interface NimrodTask {
  /** Files for the instance: where they lie on the host, and their names; `${x}` stands for the value of x. */
  readonly files: readonly {
    readonly source: string;
    readonly name: string | undefined;
    readonly place: Token;
  }[];
  /** What runs in the instance, one command after the other: lines of shell. */
  readonly commands: readonly string[];
  /** What is copied back: names in the instance. */
  readonly results: readonly string[];
}

interface TaskBuilder {
  readonly files: { source: string; name: string | undefined; place: Token }[];
  readonly commands: string[];
  readonly results: string[];
  /** A command that fails does not end the job. */
  ignore: boolean;
  readonly redirect: Record<string, string>;
}

type Fail = (token: Token, message: string) => void;

/**
 * `nodestart` and `main`, one behind the other: every instance is a node of its own. What cannot be done for a guest is
 * a mistake, told with its reason.
 */
export function readTasks(
  tasks: readonly { readonly name: Token; readonly lines: readonly TaskLine[] }[],
  mistakes: FileMistakes,
): NimrodTask {
  const task: TaskBuilder = { files: [], commands: [], results: [], ignore: false, redirect: {} };
  const fail: Fail = ({ line, column }, message) => mistakes.add(line, column, message);
  for (const { name } of tasks)
    if (name.text !== 'main' && name.text !== 'nodestart')
      fail(
        name,
        `task ${name.text} runs on your own machine, which GVA does not do: run it before or after the sweep`,
      );
  for (const wanted of ['nodestart', 'main'])
    for (const { name, lines } of tasks)
      if (name.text === wanted) for (const line of lines) readCommand(line, task, fail);
  return { files: task.files, commands: task.commands, results: task.results };
}

function readCommand({ words, text }: TaskLine, task: TaskBuilder, fail: Fail): void {
  const [first, ...rest] = words;
  if (!first) return;
  const name = first.text.replace(/^node:|:node$/, '');
  if (name === 'copy') readCopy(first, rest, task, fail);
  else if (['execute', 'exec', 'shexec'].includes(name)) readExecute(first, rest, text, task, fail);
  else if (name === 'onerror') readOnError(first, rest, task, fail);
  else if (name === 'redirect') readRedirect(first, rest, task, fail);
  else if (/^(root:)?execute(:root)?$/.test(name))
    fail(
      first,
      `${first.text} runs on your own machine, which GVA does not do: run it before or after the sweep`,
    );
  else if (/substitute$/.test(name))
    fail(
      first,
      'substitute is not done by GVA: let the program read its parameters, or use sed in the appliance',
    );
  else
    fail(
      first,
      `unknown command ${JSON.stringify(first.text)}: there is copy, execute, exec, shexec, onerror, redirect`,
    );
}

function readCopy(first: Token, words: readonly Token[], task: TaskBuilder, fail: Fail): void {
  const [source, target] = words;
  if (!source || !target || words.length !== 2) {
    fail(first, 'must be copy FROM TO');
    return;
  }
  const [from, to] = [sideOf(source.text), sideOf(target.text)];
  if (from.node && !to.node) task.results.push(from.path);
  else if (from.node || !to.node) fail(first, 'must be copy FILE node:NAME, or copy node:FILE NAME');
  else {
    const folder = to.path === '.' || to.path === '' || to.path.endsWith('/');
    const prefix = to.path.replace(/^\.\/?$/, '').replace(/^\.\//, '');
    const name = folder ? (prefix === '' ? undefined : prefix + (from.path.split('/').at(-1) ?? '')) : prefix;
    task.files.push({ source: from.path, name, place: source });
  }
}

function sideOf(text: string): { node: boolean; path: string } {
  const [, side, path = ''] = /^(?:(node|root):)?([^]*)$/.exec(text) ?? [];
  return { node: side === 'node', path };
}

function readExecute(
  first: Token,
  rest: readonly Token[],
  text: string,
  task: TaskBuilder,
  fail: Fail,
): void {
  const [only] = rest;
  if (!only) {
    fail(first, 'must have a command');
    return;
  }
  const command = rest.length === 1 && only.quoted ? only.text : text.slice(first.text.length).trim();
  const redirected = [command, ...Object.values(task.redirect)].join(' ');
  task.commands.push(task.ignore ? `{ ${redirected} || true; }` : redirected);
}

function readOnError(first: Token, [action]: readonly Token[], task: TaskBuilder, fail: Fail): void {
  if (action?.text === 'fail' || action?.text === 'ignore') task.ignore = action.text === 'ignore';
  else fail(action ?? first, 'must be onerror fail or onerror ignore');
}

function readRedirect(first: Token, words: readonly Token[], task: TaskBuilder, fail: Fail): void {
  const [stream, ...target] = words.map(({ text }) => text);
  const [sign, number] = target[0] === 'append' ? ['>>', 2] : ['>', 1];
  const file = target[number];
  if (stream !== 'stdout' && stream !== 'stderr') fail(first, 'must be redirect stdout or redirect stderr');
  else if (target[0] === 'off') task.redirect[stream] = '';
  else if (target[number - 1] === 'to' && file !== undefined)
    task.redirect[stream] = `${stream === 'stderr' ? '2' : ''}${sign} ${file}`;
  else fail(first, 'must be redirect stdout to FILE, append to FILE, or off');
}
