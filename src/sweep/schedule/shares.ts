/** What one sweep would like to use. */
export interface Wish {
  /** The same for everybody who looks; decides who gets what cannot be divided. */
  readonly id: string;
  /** CPUs: at least 1, an integer. */
  readonly cpus: number;
}

/**
 * Divides CPUs by max-min fairness (Bertsekas and Gallager, Data Networks, 6.5.2): who wishes for no more than an equal
 * part gets it, what is left is divided among the others in the same way. Everybody gets one at least, also where
 * there are more sweeps than CPUs. Nobody who computes it for the same wishes comes to another result.
 */
export function divide(cpus: number, wishes: readonly Wish[]): Map<string, number> {
  const sorted = [...wishes].sort((a, b) => a.cpus - b.cpus || (a.id < b.id ? -1 : 1));
  const shares = new Map<string, number>();
  let left = cpus;
  for (const [index, { id, cpus: wish }] of sorted.entries()) {
    const share = Math.max(1, Math.min(wish, Math.floor(left / (sorted.length - index))));
    shares.set(id, share);
    left = Math.max(0, left - share);
  }
  return shares;
}
