import { GvaError } from '../../system/errors.js';

/** Options of sbatch that say what GVA says itself, or keep sbatch from submitting, or from ending. */
const own = [
  ...['array', 'chdir', 'clusters', 'error', 'export', 'export-file', 'get-user-env', 'help', 'input'],
  ...['job-name', 'no-requeue', 'nodes', 'ntasks', 'open-mode', 'output', 'parsable', 'requeue', 'test-only'],
  ...['usage', 'version', 'wait', 'wrap'],
];

/**
 * Options that a person wants sbatch to have besides. A word that is no option would be the name of a script.
 *
 * @throws GvaError GRID_OPTIONS with the first that cannot be passed on
 */
export function checkExtraOptions(extra: readonly string[]): void {
  for (const word of extra) {
    const name = /^--([a-z][a-z0-9-]*)(=[^\0]*)?$/.exec(word)?.[1];
    if (name === undefined)
      throw new GvaError('GRID_OPTIONS', `${JSON.stringify(word)} cannot be passed on to sbatch`, {
        hint: 'Each is to be one word, with its value: --constraint=avx512',
      });
    // getopt_long(3) takes the beginning of a name for the whole.
    const meant = own.find((option) => option.startsWith(name));
    if (meant !== undefined)
      throw new GvaError('GRID_OPTIONS', `--${meant} of sbatch is for GVA to say`, {
        hint:
          meant === 'clusters'
            ? 'Choose a cluster in the environment: SLURM_CLUSTERS=NAME'
            : `Leave --${name} out.`,
      });
  }
}
