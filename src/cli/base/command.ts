import type { Command } from 'commander';
import { addAddCommand } from './add.js';
import { addBuildCommand } from './build.js';
import { addFindCommand } from './find.js';
import { addListCommand } from './list.js';

export function addBaseCommand(program: Command): void {
  const base = program.command('base').description('base images').addHelpText('after', examples);
  addBuildCommand(base);
  addAddCommand(base);
  addListCommand(base);
  addFindCommand(base);
}

const examples = `
Examples:
  gva base build micro
  gva base build debian:bookworm --packages python3,python3-numpy --name numpy`;
