import type { Command } from 'commander';

/** Of the grid engine `local`, which starts it: nobody types it. */
export function addGridSpoolCommand(program: Command): void {
  program
    .command('grid-spool', { hidden: true })
    .argument('<folder>', 'folder of the queue')
    .description('run the jobs of the queue of --grid local')
    .action(async (folder: string) => {
      const { spool } = await import('../grid/local/spool.js');
      await spool(folder);
    });
}
