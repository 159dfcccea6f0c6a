import type { Command, Option } from 'commander';

/** A command, for whoever completes or describes it. */
export interface CommandNode {
  /** Words from `gva` on. */
  readonly path: readonly string[];
  readonly description: string;
  readonly commands: readonly CommandNode[];
  readonly options: readonly OptionNode[];
  /** What its arguments may be, where they are known words. */
  readonly choices: readonly string[];
}

export interface OptionNode {
  /** As they are typed: `-o`, `--out`. */
  readonly names: readonly string[];
  readonly description: string;
  /** A word follows; where it is one of several, these. */
  readonly value: false | readonly string[];
}

/** The commands, without those that nobody types. */
export function completionTree(command: Command, before: readonly string[] = []): CommandNode {
  const path = [...before, command.name()];
  const help = command.createHelp();
  return {
    path,
    description: command.description(),
    commands: help
      .visibleCommands(command)
      .filter((each) => each.name() !== 'help')
      .map((each) => completionTree(each, path)),
    options: help.visibleOptions(command).map(optionNode),
    choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
  };
}

function optionNode(option: Option): OptionNode {
  const { short, long, description, argChoices } = option;
  const names = [short, long].filter((name) => name !== undefined);
  const takesValue = option.required || option.optional;
  return { names, description, value: takesValue ? (argChoices ?? []) : false };
}

/** The command and all below it, each before those below. */
export function allNodes(node: CommandNode): CommandNode[] {
  return [node, ...node.commands.flatMap(allNodes)];
}

/** In single quotes, for any shell. */
export const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Words that choose a value of an option, as `NAME` alone; options of a value that is a file have none. */
export const withChoices = (options: readonly OptionNode[]) =>
  options.filter(({ value }) => value !== false && value.length > 0);
export const withValue = (options: readonly OptionNode[]) => options.filter(({ value }) => value !== false);
