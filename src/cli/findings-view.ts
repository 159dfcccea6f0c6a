import { messageColours as pc } from './colours.js';
import type { Finding } from '../disk/findings.js';

/** Findings that are shown one by one. */
const SHOWN = 10;
/** Findings that a JSON document has at most; all are counted. */
export const JSON_FINDINGS = 100_000;

/** Shows the first findings on standard error, and how many there are. */
export function showFindings(findings: readonly Finding[], total: number): void {
  for (const { code, path, message } of findings.slice(0, SHOWN)) {
    console.error(`${pc.yellow('warning:')} ${path === '' ? '' : `${path}: `}${message} (${code})`);
  }
  if (total > SHOWN) console.error(`${pc.yellow('warning:')} and ${total - SHOWN} more; --json has all`);
}

/** For the help of both commands that read images. */
export const imageHelp = `
Images are raw, qcow2, VMDK or VDI and hold ext2/3/4, FAT12/16/32 or ISO 9660 (Rock Ridge, Joliet or plain); all is recognised
by content. Names are shown with \\xNN for what is not printable, and can be given like that.`;
