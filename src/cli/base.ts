import type { Command } from 'commander';
import { ExitCode, GvaError } from '../system/errors.js';
import { act, printJson } from './action.js';

export function addBaseCommand(program: Command): void {
  const base = program.command('base').description('base images');
  base
    .command('build')
    .argument('<name>', 'base image to build: micro')
    .description('build a base image from Debian packages, without root')
    .option('--force', 'build it even if it is there and unchanged')
    .option('--json', 'print the description of the base as JSON')
    .addHelpText('after', '\nExample:\n  gva base build micro')
    .action((name: string, options: { force?: boolean; json?: boolean }) =>
      act(options.json ?? false, (signal) => build(name, options, signal)),
    );
}

async function build(name: string, options: { force?: boolean; json?: boolean }, signal: AbortSignal) {
  if (name !== 'micro')
    throw new GvaError('BASE_UNKNOWN', `there is no recipe for a base image ${JSON.stringify(name)}`, {
      hint: 'The base image that GVA builds is "micro".',
    });
  const { ensureMicro } = await import('../base/micro/ensure.js');
  const { manifest, built } = await ensureMicro(
    options.force ?? false,
    (step) => console.error(`micro: ${step}`),
    signal,
  );
  if (options.json) printJson(manifest);
  else console.error(`micro: ${built ? 'built' : 'is there'}, digest ${manifest.digest.slice(0, 16)}`);
  return ExitCode.ok;
}
