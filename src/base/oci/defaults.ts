import type { BaseDefaults } from '../../model/base.js';
import { shellWord } from '../../system/shell-word.js';
import { ociLayerError } from './errors.js';
import type { ImageConfig } from './schema.js';

/** Where programs are that GVA brings: behind all of the image's own. */
const ownPrograms = '/usr/lib/gva/bin';
/** Of an image that says none. */
const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What the image's configuration has for those who run it; what it leaves open is absent. */
export function defaultsOf({ config }: ImageConfig): BaseDefaults {
  const { Env, Entrypoint, Cmd, User, WorkingDir } = config ?? {};
  const environment = variablesIn(Env ?? []);
  return {
    ...(Object.keys(environment).length > 0 && { environment }),
    ...(Entrypoint && Entrypoint.length > 0 && { entrypoint: Entrypoint }),
    ...(Cmd && Cmd.length > 0 && { command: Cmd }),
    ...(User && { user: User }),
    ...(WorkingDir && { workingFolder: WorkingDir }),
  };
}

/** Names that no shell can set, and those of the guest contract, are left out. */
function variablesIn(list: readonly string[]): Record<string, string> {
  const known = list.flatMap((entry) => {
    const [, name = '', value = ''] = /^([A-Za-z_][A-Za-z0-9_]*)=([^]*)$/.exec(entry) ?? [];
    return name === '' || name.startsWith('GVA_') ? [] : [[name, value] as const];
  });
  return Object.fromEntries(known);
}

/** `/etc/gva/environment`: what every script of an appliance is given. */
export function environmentText({ environment = {} }: BaseDefaults): string {
  const path = environment['PATH'] ?? usualPath;
  return Object.entries({ ...environment, PATH: `${path}:${ownPrograms}` })
    .map(([name, value]) => `export ${name}=${shellWord(value)}\n`)
    .join('');
}

/** `/usr/lib/gva/image.sh`, for guest/oci/run. */
export function imageText(defaults: BaseDefaults, owner: Owner): string {
  const { entrypoint = [], command = [], workingFolder = '' } = defaults;
  const lines = [`folder=${shellWord(workingFolder)}`];
  if (owner.uid !== 0) lines.push(`owner=${owner.uid}:${owner.gid}`, `home=${shellWord(owner.home)}`);
  const words = (list: readonly string[]) => list.map(shellWord).join(' ');
  if (entrypoint.length + command.length > 0) {
    const defaultWords = command.length > 0 ? `\t[ $# -gt 0 ] || set -- ${words(command)}\n` : '';
    lines.push(`entrypoint() {\n${defaultWords}\tlaunch ${words(entrypoint)} "$@"\n}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Text of the image's `/etc/passwd` and `/etc/group`. */
export interface Accounts {
  readonly passwd: string;
  readonly group: string;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/**
 * The user of an image: `USER[:GROUP]`, names or numbers (OCI image specification 1.1, config.md).
 *
 * @throws GvaError OCI_LAYER where the image has no such name
 */
export function ownerOf(text: string, accounts: Accounts): Owner {
  const [user = '', group] = text === '' ? ['0'] : text.split(':');
  const account = lineOf(accounts.passwd, user);
  const uid = numberOf(account?.[2] ?? user);
  if (uid === undefined) throw ociLayerError(`its user ${JSON.stringify(user)} is not in its /etc/passwd`);
  const gid = numberOf(
    group === undefined ? (account?.[3] ?? '0') : (lineOf(accounts.group, group)?.[2] ?? group),
  );
  if (gid === undefined) throw ociLayerError(`its group ${JSON.stringify(group)} is not in its /etc/group`);
  return { uid, gid, home: account?.[5] ?? '/' };
}

/** The entry of that name, or else of that number. */
function lineOf(text: string, key: string): string[] | undefined {
  const lines = text.split('\n').map((line) => line.split(':'));
  return lines.find(([name]) => name === key) ?? lines.find(([, , number]) => number === key);
}

const numberOf = (text: string) => {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  return number <= 0xfffffffe ? number : undefined;
};

/** `/etc/passwd` with the user in it: programs that change to a user must find it there. */
export function passwdText({ passwd }: Accounts, { uid, gid, home }: Owner): string {
  if (uid === 0 || passwd.split('\n').some((line) => line.split(':')[2] === String(uid))) return passwd;
  const before = passwd === '' || passwd.endsWith('\n') ? passwd : `${passwd}\n`;
  return `${before}gva-image:x:${uid}:${gid}::${home}:/bin/sh\n`;
}
