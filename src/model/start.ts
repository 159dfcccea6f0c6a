export const startChoices = ['auto', 'warm', 'cold'] as const;

/**
 * How instances are started. `warm`: as clones of a template, which is made where there is none, and not otherwise.
 * `auto`: warm where that can be, else cold.
 */
export type StartChoice = (typeof startChoices)[number];

export const poolChoices = ['auto', 'on', 'off'] as const;

/** Whether a sweep keeps clones ready before their points come. `auto`: while there are processors to spare. */
export type PoolChoice = (typeof poolChoices)[number];
