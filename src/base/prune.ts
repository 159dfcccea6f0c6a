import type { BaseEntry } from './catalogue/catalogue.js';
import { hindrances } from './remove.js';
import { lastUse } from './use.js';

export interface PruneRules {
  /** Those that were not used for so many seconds; of one that never was, since it was made. */
  readonly unused?: number | undefined;
  /** Those of before, which a newer one of the same name has taken the place of. */
  readonly earlier?: boolean | undefined;
  /** Those that were not used for the longest time, until all that stay take no more bytes than this. */
  readonly size?: number | undefined;
}

export interface PrunePlan {
  readonly going: readonly BaseEntry[];
  /** Those that would go if nothing needed them. */
  readonly kept: readonly { readonly entry: BaseEntry; readonly reasons: readonly string[] }[];
}

/** Which bases are to go; never one that something needs or a process uses. */
export async function planPrune(entries: readonly BaseEntry[], rules: PruneRules): Promise<PrunePlan> {
  const now = Date.now();
  const usedAt = (entry: BaseEntry) => lastUse(entry.folder) ?? entry.builtAt;
  const oldest = [...entries].sort((one, other) => usedAt(one) - usedAt(other));
  let total = entries.reduce((sum, { size }) => sum + size, 0);
  const going: BaseEntry[] = [];
  const kept: { entry: BaseEntry; reasons: string[] }[] = [];
  for (const entry of oldest) {
    const isOld = rules.unused !== undefined && now - usedAt(entry) >= rules.unused * 1000;
    const isTooMuch = rules.size !== undefined && total > rules.size;
    if (!isOld && !isTooMuch && !(rules.earlier && !entry.current)) continue;
    const reasons = await hindrances(entry);
    if (reasons.length > 0) kept.push({ entry, reasons });
    else {
      going.push(entry);
      total -= entry.size;
    }
  }
  return { going, kept };
}
