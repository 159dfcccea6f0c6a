import { CommanderError } from 'commander';
import { ExitCode, errnoOf } from '../system/errors.js';
import { mark } from '../system/profile.js';
import { program } from './main.js';

mark('Node started');

// A reader that goes away (`gva ... | head`) must not end a run: its results are in files.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error) => {
    if (errnoOf(error) !== 'EPIPE') throw error;
  });

const words = process.argv.slice(2);
if (words.length === 0) {
  const { welcome } = await import('./welcome.js');
  process.stdout.write(await welcome());
} else if (words.includes('--verbose') && ['--version', '-V'].includes(words[0] ?? '')) {
  const { showVersions } = await import('./versions.js');
  await showVersions(words.includes('--json'));
} else await runCommand();

async function runCommand(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    // The library has said what is wrong; actions of ours handle their own errors.
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  }
}
