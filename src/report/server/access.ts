import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** `act`: has the token. `look`: has not, and may look. */
export type Access = 'act' | 'look' | 'none';

export interface AccessRules {
  readonly token: string;
  /** Whether who has no token may look. */
  readonly open: boolean;
  /** Names by which the server may be addressed, in small letters. */
  readonly names: ReadonlySet<string>;
  /** It may be addressed by any IP address. */
  readonly anyAddress: boolean;
}

/** 192 bits, for an address. */
export const makeToken = (): string => randomBytes(24).toString('base64url');

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);

/** @param host where the server listens @param more names that a proxy or tunnel is addressed by */
export function namesOf(host: string, more: readonly string[]): Pick<AccessRules, 'names' | 'anyAddress'> {
  const own = isLoopback(host) ? [] : [host, hostname()];
  const names = ['localhost', '127.0.0.1', '::1', ...own, ...more].map((name) => name.toLowerCase());
  return { names: new Set(names), anyAddress: !isLoopback(host) };
}

/**
 * Whether the request is addressed to this server by a name of its own. A page of a stranger's can have its own name
 * point to this host ("DNS rebinding") and then read what it likes; it cannot send another name than its own. A tunnel
 * has a port of its own, which therefore says nothing.
 */
export function isAddressedHere(host: string | undefined, { names, anyAddress }: AccessRules): boolean {
  const name = nameOfHost(host);
  if (name === undefined) return false;
  return names.has(name) || (anyAddress && isIP(name) !== 0);
}

function nameOfHost(host: string | undefined): string | undefined {
  const parts = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host ?? '');
  return (parts?.[1] ?? parts?.[2])?.toLowerCase();
}

/**
 * Whether a page of ours sends the request, or a program. Browsers say of each that changes something where it comes from
 * (Fetch, 3.2; Fetch Metadata, W3C).
 */
export function isFromHere({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  // Behind a proxy it may have come by https.
  return headers.origin === undefined || headers.origin.replace(/^https?:\/\//, '') === headers.host;
}

/** What the sender may do: the token is in the cookie of that name, or, for programs, in the header Authorization. */
export function accessOf({ headers }: IncomingMessage, cookie: string, rules: AccessRules): Access {
  const said = [cookieNamed(headers.cookie, cookie), bearer(headers.authorization)];
  if (said.some((token) => token !== undefined && isToken(token, rules))) return 'act';
  return rules.open ? 'look' : 'none';
}

/** Takes the same time for all tokens, right or wrong, of whatever length. */
export function isToken(token: string, rules: AccessRules): boolean {
  const [said, right] = [token, rules.token].map((text) => createHash('sha256').update(text).digest());
  return said !== undefined && right !== undefined && timingSafeEqual(said, right);
}

const bearer = (header: string | undefined) => /^Bearer ([\w-]{1,100})$/i.exec(header ?? '')?.[1];

function cookieNamed(header: string | undefined, name: string): string | undefined {
  const pair = header?.split(';').find((each) => each.trim().startsWith(`${name}=`));
  return pair?.trim().slice(name.length + 1);
}
