import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { type InsertWay, insertWays } from '../../model/insert.js';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { act, printJson } from '../action.js';
import { findInstance } from './connect.js';

interface InsertOptions {
  by: InsertWay;
  json?: boolean;
}

export function addInsertCommand(program: Command): void {
  const by = new Option(
    '--by <way>',
    'cd: in its CD drive (QEMU); disk: as a disk that is plugged in (QEMU); mailbox: on one that is rewritten in place',
  );
  program
    .command('insert')
    .argument('<instance>', 'name of an instance that runs: gva ps')
    .argument('<source>', 'a folder, or an ISO image')
    .description('insert a CD into the guest of an instance, and have its scripts run')
    .addOption(by.choices(insertWays).default('auto'))
    .option('--json', 'print how it went as one JSON document on standard output, and nothing else')
    .addHelpText(
      'after',
      `
Examples:
  gva insert fold-4711 more-data
  gva insert fold-4711 tools.iso --by mailbox

It appears in the guest as /inserted, in the place of what was inserted before. Programs in its folder script-bin are run,
each once, in the order of their names. Exit status: 0 all of them ended with 0, 1 some did not.`,
    )
    .action((instance: string, source: string, { by: way, json = false }: InsertOptions) =>
      act(json, () => insertMedium(instance, resolve(source), way, json)),
    );
}

async function insertMedium(name: string, source: string, by: InsertWay, json: boolean): Promise<ExitCode> {
  const { checkIso } = await import('../../instance/insert/volume.js');
  const info = await stat(source).catch((error: unknown) => {
    throw new GvaError('INSERT_SOURCE', `cannot read ${source}: ${messageOf(error)}`);
  });
  if (!info.isDirectory()) await checkIso(source);
  const { insert } = await import('../../instance/control/client.js');
  const inserted = await insert(await findInstance(name), source, by);
  const { scripts, failed } = inserted;
  if (json) printJson(inserted);
  else if (scripts > 0)
    console.error(
      `${scripts} script${scripts === 1 ? '' : 's'} run${failed > 0 ? `, ${failed} failed` : ''}`,
    );
  return failed > 0 ? ExitCode.application : ExitCode.ok;
}
