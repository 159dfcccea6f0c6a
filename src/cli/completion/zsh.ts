import { type CommandNode, type OptionNode, allNodes, quoted } from './tree.js';

/** A completion script for zsh: a file `_gva` in its `fpath`. */
export function zshCompletion(tree: CommandNode): string {
  return `#compdef gva
# Completion of gva for zsh, made by: gva completion zsh
${allNodes(tree).map(functionOf).join('')}
if [ "$funcstack[1]" = _gva ]; then _gva "$@"; else compdef _gva gva; fi
`;
}

const nameOf = (path: readonly string[]) => `_${path.join('_').replaceAll('-', '_')}`;

function functionOf({ path, commands, options, choices }: CommandNode): string {
  const specs = options.map(optionSpec);
  if (commands.length === 0) {
    const rest = choices.length > 0 ? `'*: :(${choices.join(' ')})'` : "'*:file:_files'";
    return `${nameOf(path)}() {\n\t_arguments -s ${[...specs, rest].join(' \\\n\t\t')}\n}\n`;
  }
  const described = commands.map(
    ({ path: own, description }) =>
      `\t\t${quoted(`${own.at(-1) ?? ''}:${description.replaceAll(':', '\\:')}`)}\n`,
  );
  const cases = commands.map(({ path: own }) => `\t\t${own.at(-1) ?? ''}) ${nameOf(own)} ;;\n`);
  return `${nameOf(path)}() {
	local state line
	local -a commands=(
${described.join('')}	)
	_arguments -C ${[...specs, "'1: :->command'", "'*:: :->rest'"].join(' \\\n\t\t')}
	case $state in
	command) _describe command commands ;;
	rest) case $line[1] in
${cases.join('')}		esac ;;
	esac
}
`;
}

/** As \`_arguments\` takes it. */
function optionSpec({ names, description, value }: OptionNode): string {
  const text = description.replaceAll(/[[\]:]/g, '\\$&');
  const follows = value === false ? '' : value.length > 0 ? `: :(${value.join(' ')})` : ': :_files';
  if (names.length === 1) return quoted(`*${names[0] ?? ''}[${text}]${follows}`);
  return `{${names.map((name) => `'*${name}'`).join(',')}}${quoted(`[${text}]${follows}`)}`;
}
