import { findBase } from '../base/store.js';
import { outputColours as pc } from './colours.js';

/** What `gva` says by itself: what to do next. */
export async function welcome(): Promise<string> {
  const ready = (await findBase('micro').catch(() => undefined)) !== undefined;
  const steps: [string, string][] = [
    ['gva doctor', 'what can run guests on this machine'],
    ...(ready
      ? []
      : [['gva base build micro', 'once: the base image, in about a minute'] as [string, string]]),
    ['gva init square', 'an appliance folder that works, to be changed into yours'],
    ['gva run square --param n=12', 'one instance of it; its output is in square-1/output/'],
    ['gva sweep run square/plan.yaml --out squares', 'one for each point of a plan'],
  ];
  const width = Math.max(...steps.map(([command]) => command.length));
  const lines = steps.map(([command, what]) => `  ${pc.cyan(command.padEnd(width))}  ${what}\n`);
  return (
    'gva runs a batch program as a virtual appliance, many times, each with its own parameters.\n\n' +
    `What to do next:\n${lines.join('')}\n` +
    'All commands: gva --help; one of them: gva run --help. Completion of words: gva completion --help\n'
  );
}
