import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/system/package.js';
import { requireTool } from '../support/tools.js';

// No container engine runs here: what can be said of the recipe without one. It has not been built by these tests.

interface Instruction {
  readonly name: string;
  readonly text: string;
}

async function instructions(): Promise<Instruction[]> {
  const text = await readFile(join(packageRoot, 'packaging/Containerfile'), 'utf8');
  const lines = text.replaceAll(/^#.*\n/gm, '').replaceAll(/\\\n\s*/g, '');
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ name: line.split(' ', 1)[0] ?? '', text: line.slice(line.indexOf(' ') + 1) }));
}

it('the container recipe has instructions that there are, in an order that makes sense', async () => {
  expect((await instructions()).map(({ name }) => name)).toEqual([
    ...['FROM', 'RUN', 'COPY', 'RUN', 'ENV', 'USER', 'WORKDIR', 'ENTRYPOINT', 'CMD'],
  ]);
});

it('its commands are sound shell', async () => {
  const shellcheck = requireTool('shellcheck');
  for (const { text } of (await instructions()).filter(({ name }) => name === 'RUN'))
    execFileSync(shellcheck, ['--shell=sh', '-'], { input: text });
});

it('it installs what scripts/setup says that guests and base images need', async () => {
  const setup = await readFile(join(packageRoot, 'scripts/setup'), 'utf8');
  const needs = /^run_needs='([^']*)'/m.exec(setup)?.[1] ?? '';
  const wanted = needs.split(' ').map((need) => need.split(':')[1]);
  const [packages] = (await instructions()).filter(({ text }) => text.includes('apt-get'));
  const installed = packages?.text.split(' install ')[1]?.trim().split(/\s+/);
  expect(installed?.sort()).toEqual([...new Set([...wanted, 'libc6-dev'])].sort());
});

it('its words for exec are JSON', async () => {
  for (const { text } of (await instructions()).filter(({ name }) => /^(?:ENTRYPOINT|CMD)$/.test(name)))
    expect(JSON.parse(text)).toBeInstanceOf(Array);
});
