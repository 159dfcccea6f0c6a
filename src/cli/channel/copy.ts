import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import type { GuestCommand } from '../../channel/command.js';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { freshSibling, refuseSpecial } from '../../system/files.js';
import { act } from '../action.js';
import { type Guest, connectGuest } from './connect.js';

export function addPutCommand(program: Command): void {
  program
    .command('put')
    .argument('<instance>', 'name of an instance that runs: gva ps')
    .argument('<file>', 'a file of this machine; - for standard input')
    .argument('<path>', 'where it goes in the guest: a file, or a folder that is there')
    .description('copy a file into the guest of an instance')
    .addHelpText(
      'after',
      `
Examples:
  gva put fold-4711 more.dat /output/more.dat
  gva put fold-4711 steer.sh /app/script-bin/

The file is there in whole or not at all, and keeps its permissions.`,
    )
    .action((instance: string, file: string, path: string) => act(false, () => put(instance, file, path)));
}

export function addGetCommand(program: Command): void {
  program
    .command('get')
    .argument('<instance>', 'name of an instance that runs: gva ps')
    .argument('<path>', 'a file in the guest')
    .argument(
      '[file]',
      'where it goes on this machine: a file, a folder that is there, or - (default: this folder)',
    )
    .description('copy a file out of the guest of an instance')
    .addHelpText(
      'after',
      `
Examples:
  gva get fold-4711 /output/so-far.csv
  gva get fold-4711 /output/frame.png - | display
  gva exec fold-4711 -- tar -c -C /output . > output.tar # a folder

One that changes while it is copied is copied again, up to five times.`,
    )
    .action((instance: string, path: string, file?: string) => act(false, () => get(instance, path, file)));
}

/** $1: the path; $2: the name that it gets in a folder; $3: its permissions. */
const takeFile = `
trap : TERM
[ ! -d "$1" ] || set -- "\${1%/}/$2" "$2" "$3"
part=$1.gva-part.$$
{ cat >"$part" && chmod "$3" "$part" && mv -f "$part" "$1"; } || { rm -f "$part"; exit 1; }`;

async function put(name: string, file: string, path: string): Promise<ExitCode> {
  const info = file === '-' ? undefined : await stat(file).catch((error: unknown) => unreadable(file, error));
  if (info && !info.isFile()) unreadable(file, new Error('it is no file'));
  const mode = ((info?.mode ?? 0o644) & 0o777).toString(8);
  const guest = await connectGuest(name);
  const command = await guest.exec('sh', '-c', takeFile, 'sh', path, basename(file), mode);
  const source = info ? createReadStream(file) : process.stdin;
  const sent = pipeline(source, command.stdin).catch((error: unknown) => error);
  const { status, said } = await ended(command);
  if (status !== 0) throw failed(said, `${path} cannot be written in the guest`);
  const trouble = await sent;
  if (trouble) throw failed(messageOf(trouble), `${file} was not sent in whole`);
  return ExitCode.ok;
}

function unreadable(file: string, error: unknown): never {
  throw new GvaError('INPUT_FILE', `cannot read ${file}: ${messageOf(error)}`);
}

/** Statuses by which the guest says what is wrong. */
const [missing, changed] = [90, 91];

const giveFile = `
[ -f "$1" ] || exit ${missing}
before=$(stat -c '%s %Y %Z' "$1")
cat "$1" || exit 1
[ "$before" = "$(stat -c '%s %Y %Z' "$1")" ] || exit ${changed}`;

async function get(name: string, path: string, file = '.'): Promise<ExitCode> {
  const guest = await connectGuest(name);
  if (file === '-') {
    await receive(guest, path, process.stdout);
    return ExitCode.ok;
  }
  const target = (await stat(file).catch(() => undefined))?.isDirectory()
    ? join(file, basename(path))
    : resolve(file);
  await refuseSpecial(target);
  const part = await freshSibling(target);
  try {
    for (let tries = 5; !(await receive(guest, path, await newFile(part))); tries--)
      if (tries === 1) throw failed('it changes all the time', `${path} cannot be copied`);
    await rename(part, target);
  } finally {
    await rm(part, { force: true });
  }
  return ExitCode.ok;
}

async function newFile(path: string): Promise<NodeJS.WritableStream> {
  const file = await open(path, 'w', 0o644).catch((error: unknown) => {
    throw new GvaError('OUT', `cannot write ${path}: ${messageOf(error)}`, {
      hint: 'Name a file in a folder that is there.',
    });
  });
  return file.createWriteStream();
}

/** False where the file has changed meanwhile. */
async function receive(guest: Guest, path: string, target: NodeJS.WritableStream): Promise<boolean> {
  const command = await guest.exec('sh', '-c', giveFile, 'sh', path);
  command.stdin.end();
  const [{ status, said }] = await Promise.all([
    ended(command, false),
    pipeline(command.stdout, target, { end: target !== process.stdout }),
  ]);
  if (status === missing) throw failed('there is no such file', `cannot copy ${path}`);
  if (status !== 0 && status !== changed) throw failed(said, `cannot copy ${path}`);
  return status === 0;
}

async function ended(command: GuestCommand, drain = true): Promise<{ status: number; said: string }> {
  let said = '';
  command.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-500)));
  if (drain) command.stdout.resume();
  const { status } = await command.exited;
  return { status, said: said.trim() };
}

const failed = (why: string, what: string) =>
  new GvaError('GUEST_COPY', why === '' ? what : `${what}: ${why}`, { exitCode: ExitCode.infrastructure });
