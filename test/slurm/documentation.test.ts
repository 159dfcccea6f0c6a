import { describe, expect, it } from 'vitest';
import { expectBlocksWork, readDocument, shellBlocks } from '../support/documentation.js';
import { needsSlurm, startCluster, withoutSlurm } from '../support/slurm-cluster.js';

// Every shell block of docs/grid.md, as it stands, from the login node of a cluster: this machine.

/** The blocks share a folder: what one submits, the next takes up. */
describe.skipIf(withoutSlurm)(`docs/grid.md${needsSlurm}`, () => {
  it('its commands work as they stand', async () => {
    const text = await readDocument('docs/grid.md');
    const blocks = shellBlocks(text);
    // A block that the pattern does not see would not be run.
    expect(blocks).toHaveLength(text.split('```sh').length - 1);
    await using cluster = await startCluster();
    await expectBlocksWork(blocks, cluster.env);
  });
});
