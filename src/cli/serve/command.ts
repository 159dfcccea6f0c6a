import type { Command } from 'commander';
import type { ExitCode } from '../../system/errors.js';
import { act, repeatable } from '../action.js';

export interface ServeOptions {
  host: string;
  port: string;
  view?: string;
  allowHost: string[];
  json?: boolean;
}

export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .argument('[sweeps...]', 'folders or names of sweeps (default: those of yours that run)')
    .description('show sweeps on a live page in a browser: what runs, how far it is, what comes of it')
    .option(
      '--host <host>',
      'name or address to listen on; others than this machine can reach it then',
      '127.0.0.1',
    )
    .option('--port <number>', 'port to listen on; 0 for one that is free', '0')
    .option('--view <who>', 'who may look without the token: anyone, or nobody (default with --host)')
    .addOption(repeatable('--allow-host <name>', 'a name that a proxy addresses this server by'))
    .option('--json', 'print the address as one JSON document, and nothing else')
    .addHelpText('after', examples)
    .action((sweeps: string[], options: ServeOptions) =>
      act(options.json ?? false, (signal) => serve(sweeps, options, signal)),
    );
}

const examples = `
Examples:
  gva serve                          all sweeps of yours that run, also those that begin later
  gva serve squares --port 8080
  ssh -L 8080:localhost:8080 login   of a server on another machine, to be opened here

The address that it prints has a token in it: who opens it may cancel and retry. Who has no token may only look, unless
with --view nobody. Ctrl-C ends the page; sweeps go on.
Exit status: 0 it was ended by Ctrl-C; 2 there is no such sweep; 69 it cannot listen.`;

async function serve(names: string[], options: ServeOptions, signal: AbortSignal): Promise<ExitCode> {
  const { servePage } = await import('./serve.js');
  return await servePage(names, options, signal);
}
