import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { bashCompletion } from '../../src/cli/completion/bash.js';
import { fishCompletion } from '../../src/cli/completion/fish.js';
import { completionTree } from '../../src/cli/completion/tree.js';
import { zshCompletion } from '../../src/cli/completion/zsh.js';
import { program } from '../../src/cli/main.js';
import { findProgram } from '../../src/system/process.js';
import { requireTool } from '../support/tools.js';
import { temporaryFolder } from '../support/gva.js';

const execute = promisify(execFile);
const tree = completionTree(program);
const [zsh, fish] = await Promise.all(['zsh', 'fish'].map((name) => findProgram(name)));

/** What bash offers where the cursor is at the end of the line. */
async function offered(line: string): Promise<string[]> {
  const script = `${bashCompletion(tree)}
COMP_WORDS=(${line.replace(/ $/, " ''")})
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_gva
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await execute(requireTool('bash'), ['--norc', '-eu', '-c', script]);
  return stdout.split('\n').filter((word) => word !== '');
}

it('bash completes commands, and commands of commands', async () => {
  expect(await offered('gva ')).toEqual(expect.arrayContaining(['run', 'sweep', 'base', 'completion']));
  expect(await offered('gva ')).not.toContain('grid-spool');
  expect(await offered('gva sw')).toEqual(['sweep']);
  expect(await offered('gva sweep re')).toEqual(['results', 'retry', 'resume', 'rebuild']);
  expect(await offered('gva completion ')).toEqual(['bash', 'zsh', 'fish']);
});

it('bash completes options, and their values where they are known words', async () => {
  expect(await offered('gva run square --num')).toEqual(['--numa-node']);
  expect(await offered('gva run --vmm ')).toEqual(['auto', 'qemu', 'uml']);
  expect(await offered('gva sweep run plan.yaml --keep ar')).toEqual(['archive']);
});

it('bash leaves files to itself', async () => {
  expect(await offered('gva run squ')).toEqual([]);
  expect(await offered('gva sweep run --out ')).toEqual([]);
  expect(bashCompletion(tree)).toContain('complete -o bashdefault -o default -F _gva gva');
});

it('the script for bash is sound shell', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'gva.bash');
  await writeFile(file, bashCompletion(tree));
  const words = ['--shell=bash', '--severity=warning', file];
  const { stdout } = await execute(requireTool('shellcheck'), words).catch(
    (error: unknown) => error as { stdout: string },
  );
  expect(stdout).toBe('');
});

it.skipIf(!zsh)(`zsh reads its script${zsh ? '' : ' (needs zsh)'}`, async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, '_gva'), zshCompletion(tree));
  const script = `fpath=(${folder.path} $fpath); autoload -Uz compinit; compinit -u -d ${folder.path}/dump; autoload +X _gva; print $_comps[gva]`;
  const { stdout, stderr } = await execute(zsh ?? '', ['-f', '-c', script]);
  expect(stderr).toBe('');
  expect(stdout).toBe('_gva\n');
});

it.skipIf(!fish)(`fish completes commands, options and values${fish ? '' : ' (needs fish)'}`, async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'gva.fish');
  await writeFile(file, fishCompletion(tree));
  const complete = async (line: string) => {
    const words = ['--no-config', '-c', `source ${file}; complete --do-complete '${line}'`];
    const { stdout } = await execute(fish ?? '', words, { env: { ...process.env, HOME: folder.path } });
    return stdout
      .split('\n')
      .map((each) => each.split('\t')[0])
      .filter(Boolean);
  };
  expect(await complete('gva sw')).toEqual(['sweep']);
  expect(await complete('gva run --vmm ')).toEqual(['auto', 'qemu', 'uml']);
  expect(await complete('gva sweep run --take')).toEqual(['--take-over']);
});
