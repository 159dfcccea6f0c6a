/** What commands need of the sweeps' own rooms and cannot do by looking. */
export interface SweepActions {
  /**
   * Makes the store of a sweep that nobody runs anew from its result files; the store that was there is kept under
   * another name.
   *
   * @param folder of the sweep
   * @returns number of results found
   */
  readonly rebuild: (folder: string, signal: AbortSignal) => Promise<number>;
}

export const sweepActions: SweepActions = {
  rebuild: async (folder, signal) => {
    const { rebuildSweep } = await import('../../sweep/rebuild.js');
    return await rebuildSweep(folder, signal);
  },
};
