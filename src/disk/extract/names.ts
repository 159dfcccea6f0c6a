import { printableName } from '../findings.js';

const SLASH = Buffer.from('/');
/** NAME_MAX of all usual hosts, bytes. */
const NAME_MAX = 255;

/** Whether a name can be one component of a path, and no special one. */
export function isSafeName(name: Buffer): boolean {
  const text = name.toString('latin1');
  return text !== '' && text !== '.' && text !== '..' && !text.includes('/') && !text.includes('\0');
}

export function isUtf8(name: Buffer): boolean {
  return Buffer.from(name.toString('utf8'), 'utf8').equals(name);
}

/** A safe name that tells of an unsafe or taken one: `../x` becomes `.._x~1`. */
export function substituteName(name: Buffer, number: number): Buffer {
  const suffix = `~${number}`;
  const stem = name.toString('latin1', 0, NAME_MAX - suffix.length).replace(/[/\0]/g, '_');
  return Buffer.from(stem + suffix, 'latin1');
}

export function joinPath(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, SLASH, name]);
}

/**
 * Where something belongs, as a chain of names: a million of them must not cost a million whole paths. The
 * top is the target itself.
 */
export interface Place {
  readonly parent: Place | undefined;
  /** In the image, for findings. */
  readonly name: Buffer;
  /** On the host, below the parent. */
  readonly hostName: Buffer;
  /** 0 for the target. */
  readonly depth: number;
}

export const TOP: Place = { parent: undefined, name: Buffer.alloc(0), hostName: Buffer.alloc(0), depth: 0 };

export function below(parent: Place, name: Buffer, hostName = name): Place {
  const own = Buffer.from(name);
  return { parent, name: own, hostName: hostName === name ? own : hostName, depth: parent.depth + 1 };
}

/** Host names from below the target down to the place. */
export function hostNames(place: Place): Buffer[] {
  const names: Buffer[] = [];
  for (let at = place; at.parent; at = at.parent) names.unshift(at.hostName);
  return names;
}

export function hostPath(base: Buffer, place: Place): Buffer {
  return hostNames(place).reduce(joinPath, base);
}

/** The path of a finding; a slash within a name cannot be taken for one between names. */
export function imagePath(place: Place): string {
  const names: string[] = [];
  for (let at = place; at.parent; at = at.parent) names.unshift(printableName(at.name));
  return names.join('/');
}
