import { type CommandNode, type OptionNode, allNodes } from './tree.js';

/** A completion script for fish 3 and newer. */
export function fishCompletion(tree: CommandNode): string {
  return `# Completion of gva for fish, made by: gva completion fish
function __gva_at --description 'whether the words so far are of that command'
	set -l path gva
	set -l words (commandline -opc)
	for word in $words[2..]
		contains -- "$path $word" ${allNodes(tree)
      .slice(1)
      .map(({ path }) => quotedForFish(path.join(' ')))
      .join(' ')}
		and set path "$path $word"
	end
	test "$path" = "$argv"
end
${allNodes(tree).map(linesOf).join('')}`;
}

function linesOf({ path, commands, options, choices }: CommandNode): string {
  const condition = `complete -c gva -n ${quotedForFish(`__gva_at ${path.join(' ')}`)}`;
  const lines = [
    ...commands.map(
      ({ path: own, description }) =>
        `${condition} -f -a ${own.at(-1) ?? ''} -d ${quotedForFish(description)}`,
    ),
    ...choices.map((choice) => `${condition} -f -a ${choice}`),
    ...options.map((option) => `${condition} ${optionWords(option)}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function optionWords({ names, description, value }: OptionNode): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const takes = value === false ? '' : value.length > 0 ? ` -x -a ${quotedForFish(value.join(' '))}` : ' -r';
  return `${flags.join(' ')}${takes} -d ${quotedForFish(description)}`;
}

const quotedForFish = (text: string) => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
