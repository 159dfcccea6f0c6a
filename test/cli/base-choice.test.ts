import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findBase } from '../../src/base/store.js';
import { shellWord } from '../../src/system/shell-word.js';
import { publishTestBase } from '../support/bases.js';
import { type TestHome, makeTestHome, writeAppliance } from '../support/fake-appliance.js';
import { gva, gvaProgram } from '../support/gva.js';
import { requireTool } from '../support/tools.js';

// What is asked at a terminal, which script(1) plays here.

let home: TestHome;
let pack: string[];
let digests: Record<string, string>;
beforeEach(async () => {
  home = await makeTestHome();
  const python = { python3: '3.11' };
  const small = await publishTestBase('small', { packages: python });
  const big = await publishTestBase('big', { packages: { ...python, numpy: '1.24' } });
  await publishTestBase('other');
  digests = { small: small.digest, big: big.digest };
  const manifest = 'name: square\nrun: ./job.sh\nbase: { packages: [python3] }\n';
  const appliance = await writeAppliance(home.folder, manifest);
  pack = ['pack', appliance, '--thin', '--out', join(home.folder, 'square.ova')];
});
afterEach(() => home[Symbol.asyncDispose]());

/** Runs gva at a terminal, and answers each question with the next line. */
function atTerminal(args: readonly string[], ...answers: string[]): Promise<{ code: number; said: string }> {
  const command = [process.execPath, gvaProgram, ...args].map(shellWord).join(' ');
  const child = spawn(requireTool('script'), ['-qec', command, '/dev/null'], {
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  let asked = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    for (const questions = said.match(/\[(?:1|y\/N)\] /g)?.length ?? 0; asked < questions; asked++)
      child.stdin.write(`${answers[asked] ?? ''}\n`);
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code: code ?? -1, said })));
}

const packedWith = async () => {
  const { stdout } = await gva(['inspect', join(home.folder, 'square.ova'), '--json']);
  return Object.keys(digests).filter((name) => stdout.includes(digests[name] ?? '?'));
};

it('--choose shows all that have what is required, the best first, and takes no wrong number', async () => {
  const { code, said } = await atTerminal([...pack, '--choose'], '3', 'big', '2');
  expect(code, said).toBe(0);
  expect(said).toMatch(
    / 1 {2}small \([0-9a-f]{16}\): 1 packages, .*\r\n {2}2 {2}big \([0-9a-f]{16}\): 2 packages, /,
  );
  expect(said).not.toContain('other');
  expect(said.match(/A number from 1 to 2, please/g)).toHaveLength(2);
  expect(await packedWith()).toEqual(['big']);
});

it('--choose takes the best where nothing is answered', async () => {
  const { code, said } = await atTerminal([...pack, '--choose'], '');
  expect(code, said).toBe(0);
  expect(await packedWith()).toEqual(['small']);
});

it('without --choose the best is taken, and said', async () => {
  const { code, stderr } = await gva(pack);
  expect(code, stderr).toBe(0);
  expect(stderr).toContain(`base small (${digests['small']?.slice(0, 16) ?? ''}), for python3`);
  expect(await packedWith()).toEqual(['small']);
});

it('--choose without a terminal says what else to do', async () => {
  const { code, stderr } = await gva([...pack, '--choose']);
  expect(code).toBe(2);
  expect(stderr).toContain('--choose: there is no terminal to ask at');
});

it('gva base rm asks where a name stands for several, and takes silence for no', async () => {
  await publishTestBase('small', {}, 'second');
  const refused = await atTerminal(['base', 'rm', 'small'], '');
  expect(refused).toMatchObject({ code: 2, said: expect.stringContaining('Remove all 2 of them') as string });
  expect(await findBase('small')).toBeDefined();
  expect((await atTerminal(['base', 'rm', 'small'], 'y')).code).toBe(0);
  expect(await findBase('small')).toBeUndefined();
});
