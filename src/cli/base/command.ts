import type { Command } from 'commander';
import { addAddCommand } from './add.js';
import { addBuildCommand } from './build.js';
import { addExportCommand } from './export.js';
import { addFindCommand } from './find.js';
import { addImportCommand } from './import.js';
import { addListCommand } from './list.js';
import { addPruneCommand } from './prune.js';
import { addRmCommand } from './rm.js';
import { addShowCommand } from './show.js';
import { addVerifyCommand } from './verify.js';

export function addBaseCommand(program: Command): void {
  const base = program.command('base').description('base images').addHelpText('after', examples);
  addBuildCommand(base);
  addAddCommand(base);
  addListCommand(base);
  addShowCommand(base);
  addFindCommand(base);
  addVerifyCommand(base);
  addExportCommand(base);
  addImportCommand(base);
  addRmCommand(base);
  addPruneCommand(base);
}

const examples = `
Examples:
  gva base build micro
  gva base build debian:bookworm --packages python3,python3-numpy --name numpy
  gva base find --os linux --package python3
  gva base export numpy -o numpy.gva-base`;
