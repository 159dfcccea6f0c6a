/**
 * What GVAD says on the serial line (docs/guest-contract.md, "Events"): one line per event,
 * `@gva1 EVENT KEY=VALUE...`, values percent-encoded where they hold blanks, `%` or control characters.
 */
export const guestEventNames = [
  'boot',
  'wake',
  'resume',
  'medium',
  'ready',
  'script-start',
  'heartbeat',
  'progress',
  'message',
  'script-end',
  'insert',
  'insert-script-start',
  'insert-script-end',
  'insert-done',
  'insert-gone',
  'idle',
  'done',
  'error',
] as const;
export type GuestEventName = (typeof guestEventNames)[number];

export interface GuestEvent {
  readonly name: GuestEventName;
  /** Seconds since the guest's kernel started, as the guest says; 0 where it does not. */
  readonly uptime: number;
  readonly fields: Readonly<Record<string, string>>;
}

/** A guest may send anything; what is longer is no event. */
export const maxEventLine = 4096;

const isName = (text: string): text is GuestEventName => guestEventNames.some((name) => name === text);

/** The event in a line from the guest; undefined where the line is none: kernels and firmware write there too. */
export function parseGuestEvent(line: string): GuestEvent | undefined {
  // Whatever stood before on the line came from somebody who did not end his own.
  const start = line.indexOf('@gva1 ');
  if (start < 0 || line.length > maxEventLine) return undefined;
  const [name = '', ...pairs] = line
    .slice(start + 6)
    .trimEnd()
    .split(' ');
  if (!isName(name)) return undefined;
  const fields: Record<string, string> = {};
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals > 0) fields[pair.slice(0, equals)] = decodeValue(pair.slice(equals + 1));
  }
  const uptime = Number(fields['t']);
  return { name, uptime: Number.isFinite(uptime) ? uptime : 0, fields };
}

function decodeValue(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** How far a guest is, as it says itself. */
export interface GuestProgress {
  /** 0 to 1. */
  readonly fraction?: number;
  /** For people; not checked: `printable()` is for whoever shows it. */
  readonly text?: string;
}

/** Characters of a text that are kept. */
const longestText = 200;

/** What the fields of a `progress` event say, as far as it can be true. */
export function progressOf({ fraction, text }: Readonly<Record<string, string | undefined>>): GuestProgress {
  const value = fraction === undefined || fraction.trim() === '' ? NaN : Number(fraction);
  return {
    ...(value >= 0 && value <= 1 ? { fraction: value } : {}),
    ...(text === undefined || text === '' ? {} : { text: text.slice(0, longestText) }),
  };
}
