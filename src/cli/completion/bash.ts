import { type CommandNode, allNodes, quoted, withChoices, withValue } from './tree.js';

/** A completion script for bash 4 and newer; it needs nothing but bash. */
export function bashCompletion(tree: CommandNode): string {
  return `# Completion of gva for bash, made by: gva completion bash
_gva() {
	local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} path=gva each index
	COMPREPLY=()
	for ((index = 1; index < COMP_CWORD; index++)); do
		each=\${COMP_WORDS[index]}
		case "$path $each" in
${allNodes(tree)
  .slice(1)
  .map(({ path }) => `\t\t${quoted(path.join(' '))}) path=${quoted(path.join(' '))} ;;\n`)
  .join('')}\t\tesac
	done
	local words='' values='' takes=''
	case $path in
${allNodes(tree).map(caseOf).join('')}	esac
	case " $takes " in *" $before "*)
		[ -z "$values" ] || mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word")
		return ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o bashdefault -o default -F _gva gva
`;
}

/** What may come after the words of the command. */
function caseOf({ path, commands, options, choices }: CommandNode): string {
  const names = options.flatMap((option) => option.names);
  const words = [...commands.map((each) => each.path.at(-1) ?? ''), ...choices];
  const values = withChoices(options).map(
    ({ names: own, value }) => `\t\t\t${own.join('|')}) values=${quoted((value || []).join(' '))} ;;\n`,
  );
  return [
    `\t${quoted(path.join(' '))})\n`,
    // Options are offered where one is begun: files and commands are wanted more often.
    `\t\tcase $word in -*) words=${quoted(names.join(' '))} ;; *) words=${quoted(words.join(' '))} ;; esac\n`,
    `\t\ttakes=${quoted(
      withValue(options)
        .flatMap((option) => option.names)
        .join(' '),
    )}\n`,
    values.length > 0 ? `\t\tcase $before in\n${values.join('')}\t\tesac\n` : '',
    '\t\t;;\n',
  ].join('');
}
