import { Argument, type Command } from 'commander';
import { ExitCode } from '../../system/errors.js';
import { act } from '../action.js';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'shell that reads it').choices(shells))
    .description('print what makes a shell complete the words of gva')
    .addHelpText('after', help)
    .action((shell: Shell) => act(false, () => print(program, shell)));
}

const help = `
Commands, options and their choices are completed, and files elsewhere. It is made of this version of gva: print it again
after an update.

Examples:
  gva completion bash > ~/.local/share/bash-completion/completions/gva
  gva completion zsh > ~/.zfunc/_gva          # with fpath=(~/.zfunc $fpath) before compinit in ~/.zshrc
  gva completion fish > ~/.config/fish/completions/gva.fish`;

async function print(program: Command, shell: Shell): Promise<ExitCode> {
  const { completionTree } = await import('./tree.js');
  const tree = completionTree(program);
  process.stdout.write(await scriptOf(shell, tree));
  return ExitCode.ok;
}

async function scriptOf(shell: Shell, tree: ReturnType<(typeof import('./tree.js'))['completionTree']>) {
  switch (shell) {
    case 'bash':
      return (await import('./bash.js')).bashCompletion(tree);
    case 'zsh':
      return (await import('./zsh.js')).zshCompletion(tree);
    case 'fish':
      return (await import('./fish.js')).fishCompletion(tree);
  }
}
