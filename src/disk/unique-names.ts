/** How names are squeezed into a narrower name space. */
export interface NameRule {
  /** The nearest allowed name. */
  propose(name: string): string;
  /** An allowed name near a proposal that is taken, told apart by a number. */
  numbered(proposal: string, number: number): string;
}

/**
 * Gives each name of one directory a name of a narrower name space. Names that need no change keep theirs,
 * whatever the others become. The result depends only on the set of names, not on their order.
 *
 * @param taken names already used; the new ones are added
 */
export function assignUniqueNames(
  names: Iterable<string>,
  rule: NameRule,
  taken = new Set<string>(),
): Map<string, string> {
  const assigned = new Map<string, string>();
  const changed: [name: string, proposal: string][] = [];
  for (const name of [...names].sort()) {
    const proposal = rule.propose(name);
    if (proposal !== name) {
      changed.push([name, proposal]);
      continue;
    }
    assigned.set(name, name);
    taken.add(name);
  }
  // One counter for all proposals that look alike once numbered: thousands of similar names stay linear.
  const nextNumber = new Map<string, number>();
  for (const [name, proposal] of changed) {
    let unique = proposal;
    if (taken.has(unique)) {
      const family = rule.numbered(proposal, 1000);
      let number = nextNumber.get(family) ?? 1;
      do unique = rule.numbered(proposal, number++);
      while (taken.has(unique));
      nextNumber.set(family, number);
    }
    assigned.set(name, unique);
    taken.add(unique);
  }
  return assigned;
}

/** Splits at the last dot that is not the first character; the extension comes without its dot. */
export function splitExtension(name: string): [stem: string, extension: string] {
  const dot = name.lastIndexOf('.');
  return dot > 0 ? [name.slice(0, dot), name.slice(dot + 1)] : [name, ''];
}
