/** `auto`: by CD where the machine has a drive for it. */
export const insertWays = ['auto', 'cd', 'disk', 'mailbox'] as const;
export type InsertWay = (typeof insertWays)[number];

/** How the guest took a medium. */
export interface Inserted {
  readonly by: Exclude<InsertWay, 'auto'>;
  readonly scripts: number;
  /** Of these, with another status than 0. */
  readonly failed: number;
  /** Seconds from the swap until the guest had it in its place, as it was heard here. */
  readonly noticed: number;
  /** Seconds from the swap until the first of them began; absent where there is none. */
  readonly started?: number;
}
