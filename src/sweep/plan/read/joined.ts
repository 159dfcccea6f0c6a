import { type Part, concatenated } from '../concatenation.js';
import type { Entry } from '../entry.js';
import type { Group } from '../row.js';
import { type PlanContext, defaultsOf } from './context.js';

/** Plans that may be joined in one place. */
const most = 10_000;

/** `plans:`, a list of files (plans or tables) and groups; undefined, and told, where one is wrong. */
export async function readJoined(
  entry: Entry,
  context: PlanContext,
  readInner: (entry: Entry, context: PlanContext) => Promise<Group | undefined>,
): Promise<Group | undefined> {
  const items = entry.items('must be a list of plans: files, or groups');
  if (!items) return undefined;
  if (items.length === 0 || items.length > most) return entry.fail(`must have from 1 to ${most} plans`);
  const parts: Part[] = [];
  for (const item of items) {
    const part = typeof item.value === 'string' ? await context.join(item.value, item) : await inline(item);
    if (part) parts.push(part);
  }
  return parts.length === items.length ? completed(parts, items, context) : undefined;

  async function inline(item: Entry): Promise<Part | undefined> {
    const group = await readInner(item, context);
    return group && { group, fill: [], files: [] };
  }
}

/** What one plan does not set and another does has its default in the one. */
function completed(parts: readonly Part[], items: readonly Entry[], context: PlanContext): Group | undefined {
  const all = new Set(parts.flatMap(({ group }) => [...group.sets]));
  const complete: Part[] = [];
  for (const [index, part] of parts.entries()) {
    const missing = [...all].filter((number) => !part.group.sets.has(number));
    const fill = defaultsOf(missing, items[index] as Entry, context);
    if (fill) complete.push({ ...part, fill });
  }
  return complete.length === parts.length ? concatenated(complete, context.newPlace()) : undefined;
}
