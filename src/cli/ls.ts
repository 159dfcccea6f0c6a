import type { Command } from 'commander';
import { Findings, printable } from '../disk/findings.js';
import { listTree, type ListedEntry } from '../disk/list.js';
import type { OpenTree } from '../disk/open-tree.js';
import type { NodeKind, TreeNode } from '../disk/tree.js';
import { ExitCode, GvaError } from '../system/errors.js';
import { act } from './action.js';
import { imageHelp, JSON_FINDINGS, showFindings } from './findings-view.js';

interface LsOptions {
  recursive?: boolean;
  long?: boolean;
  json?: boolean;
}

export function addLsCommand(program: Command): void {
  program
    .command('ls')
    .argument('<image>', 'disk image: raw, qcow2, VMDK or VDI')
    .argument('[path]', 'file or folder in it', '/')
    .description('list the files in a disk image, without mounting it')
    .option('-R, --recursive', 'with all that lies below, in the order of the image')
    .option('-l, --long', 'with mode, owner, size, time (UTC) and the targets of links')
    .option('--json', 'print one JSON document on standard output, and nothing else')
    .addHelpText('after', help)
    .action((image: string, path: string, options: LsOptions) =>
      act(options.json ?? false, (signal) => ls(image, path, options, signal)),
    );
}

const help = `${imageHelp}

Examples:
  gva ls output.img
  gva ls -l disk.qcow2 /results
  gva ls floppy.img --recursive --json | jq -r '.entries[].path'

Exit status: 0 all was read, 1 something could not be read or is not as it should be (warnings on standard error
say what), 2 wrong usage, or no such image or path, 130 interrupted.`;

async function ls(image: string, path: string, options: LsOptions, signal: AbortSignal): Promise<ExitCode> {
  const { openTree } = await import('../disk/open-tree.js');
  await using opened = await openTree(image);
  const findings = new Findings(options.json ? JSON_FINDINGS : undefined);
  for (const finding of opened.tree.findings) findings.add(finding.code, () => finding.path, finding.message);
  const entries = described(opened, path, findings, options.recursive ?? false, signal);
  if (options.json) await printDocument(image, path, opened, entries, findings);
  else {
    for await (const entry of entries) console.log(options.long ? longLine(entry) : entry.path);
    showFindings(findings.list, findings.total);
  }
  return findings.complete ? ExitCode.ok : ExitCode.application;
}

/** What is told of a file; of times as a date in ISO 8601. */
interface Entry {
  path: string;
  kind: NodeKind;
  /** Octal digits. */
  mode: string;
  uid: number;
  gid: number;
  size: number;
  mtime: string | null;
  target?: string;
}

async function* described(
  { tree }: OpenTree,
  path: string,
  findings: Findings,
  recursive: boolean,
  signal: AbortSignal,
): AsyncGenerator<Entry> {
  const { lookUp } = await import('../disk/lookup.js');
  const start = await lookUp(tree, path, (code, message) => findings.add(code, () => path, message));
  if (!start) throw new GvaError('LS_PATH', `there is no ${path} in the image`, { hint: 'gva ls IMAGE -R' });
  const listed =
    start.kind === 'directory'
      ? listTree(tree, findings, { start, recursive, signal })
      : [{ path: Buffer.from(path), text: path, node: start }];
  for await (const each of recursive ? listed : sorted(listed)) {
    const target = each.node.kind === 'symlink' ? await targetOf(tree, each, findings) : undefined;
    yield entryOf(each, target);
  }
}

/** Sorted by name, but for folders of so many entries that they are shown in parts. */
async function* sorted(
  listed: AsyncIterable<ListedEntry<TreeNode>> | Iterable<ListedEntry<TreeNode>>,
): AsyncGenerator<ListedEntry<TreeNode>> {
  let part: ListedEntry<TreeNode>[] = [];
  for await (const each of listed) {
    part.push(each);
    if (part.length < MOST_SORTED) continue;
    yield* part.sort(byName);
    part = [];
  }
  yield* part.sort(byName);
}

const MOST_SORTED = 100_000;
const byName = (a: ListedEntry<TreeNode>, b: ListedEntry<TreeNode>): number => Buffer.compare(a.path, b.path);

async function targetOf(
  tree: OpenTree['tree'],
  { text, node }: ListedEntry<TreeNode>,
  findings: Findings,
): Promise<string | undefined> {
  try {
    const report = (code: string, message: string): void => findings.add(code, () => text, message);
    return printable(await tree.readLink(node, report));
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    findings.add(error.code, () => text, error.message);
    return undefined;
  }
}

function entryOf({ text, node }: ListedEntry<TreeNode>, target: string | undefined): Entry {
  const { kind, permissions, uid, gid, size, mtime } = node;
  const date = new Date(mtime * 1000);
  return {
    path: text,
    kind,
    mode: permissions.toString(8).padStart(4, '0'),
    uid,
    gid,
    size,
    mtime: Number.isNaN(date.getTime()) ? null : date.toISOString(),
    ...(target === undefined ? {} : { target }),
  };
}

const kindLetters: Record<NodeKind, string> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  character: 'c',
  block: 'b',
  fifo: 'p',
  socket: 's',
  unknown: '?',
};

function longLine({ path, kind, mode, uid, gid, size, mtime, target }: Entry): string {
  const date = (mtime ?? '').slice(0, 16).replace('T', ' ').padEnd(16);
  const owner = `${uid}:${gid}`.padEnd(9);
  const link = target === undefined ? '' : ` -> ${target}`;
  return `${kindLetters[kind]}${permissionLetters(Number.parseInt(mode, 8))} ${owner} ${String(size).padStart(12)} ${date} ${path}${link}`;
}

function permissionLetters(mode: number): string {
  const letters = Array.from('rwxrwxrwx', (letter, index) => (mode & (0o400 >> index) ? letter : '-'));
  const special = [
    { bit: 0o4000, at: 2, letter: 's' },
    { bit: 0o2000, at: 5, letter: 's' },
    { bit: 0o1000, at: 8, letter: 't' },
  ];
  for (const { bit, at, letter } of special)
    if (mode & bit) letters[at] = letters[at] === 'x' ? letter : letter.toUpperCase();
  return letters.join('');
}

/** Entry by entry: a document of a million files is no string. */
async function printDocument(
  image: string,
  path: string,
  { fileSystem, tree }: OpenTree,
  entries: AsyncIterable<Entry>,
  findings: Findings,
): Promise<void> {
  const field = (name: string, value: unknown): string =>
    `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`;
  const fields = { image, fileSystem, label: printable(Buffer.from(tree.label)), path };
  const head = Object.entries(fields).map(([name, value]) => `${field(name, value)},\n`);
  let before = `{\n${head.join('')}  "entries": [`;
  let count = 0;
  for await (const entry of entries) {
    process.stdout.write(`${before}\n    ${JSON.stringify(entry)}`);
    before = ',';
    count++;
  }
  const { complete, total, list } = findings;
  const end = Object.entries({ complete, findingCount: total, findings: list }).map(([name, value]) =>
    field(name, value),
  );
  process.stdout.write(`${count === 0 ? before : '\n  '}],\n${end.join(',\n')}\n}\n`);
}
