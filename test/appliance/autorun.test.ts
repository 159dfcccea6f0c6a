import { execFileSync } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atApp, autorunScript, defaultTemplate, firstWord } from '../../src/appliance/autorun.js';
import { parseManifest } from '../../src/appliance/manifest.js';
import { parameterFiles, shellQuote } from '../../src/appliance/parameter-files.js';
import { temporaryFolder } from '../support/gva.js';

describe('the autorun script', () => {
  async function run(manifest: string): Promise<{ status: number; stdout: string }> {
    await using folder = await temporaryFolder();
    const app = join(folder.path, 'app with blank');
    await mkdir(app);
    await writeFile(join(app, 'job.sh'), '#!/bin/sh\necho "job: $*"\n');
    await chmod(join(app, 'job.sh'), 0o755);
    const script = autorunScript(
      parseManifest(`name: x\n${manifest}`, 'gva.yaml'),
      (path) => path === 'job.sh',
      await defaultTemplate(),
    );
    await writeFile(join(folder.path, 'autorun'), script, { mode: 0o755 });
    try {
      const env = { PATH: process.env['PATH'], GVA_APP: app };
      return {
        status: 0,
        stdout: execFileSync(join(folder.path, 'autorun'), {
          cwd: folder.path,
          env,
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      };
    } catch (error) {
      const { status, stdout } = error as { status: number; stdout: string };
      return { status, stdout };
    }
  }

  it('runs before, run and after in one shell; ./NAME is the file of the application', async () => {
    const outcome = await run(
      'before: X=1 # a comment\nrun: ./job.sh $X && job.sh 2; echo "./job.sh"\nafter: echo $X ./other\n',
    );
    expect(outcome.stdout).toMatch(/^job: 1\njob: 2\n.*\/app with blank\/job.sh\n1 .\/other\n$/);
    expect(outcome.status).toBe(0);
  });

  it('has the place where an instance begins between before and run', async () => {
    const text = 'before: X=1\nwarm: after-before\nrun: echo "$X$PLACE"\n';
    expect((await run(text)).stdout).toBe('1\n');
    const script = autorunScript(
      parseManifest(`name: x\n${text}`, 'x'),
      () => false,
      await defaultTemplate(),
    );
    expect(script).toMatch(/X=1[^]*\. "\$GVA_BEGIN"[^]*echo/);
  });

  it.each([
    ['before: exit 3\nrun: echo ran\n', 3, ''],
    ['before: "false"\nrun: echo ran\n', 1, ''],
    ['run: (exit 5)\nafter: echo after\n', 5, ''],
    ['run: echo ran\nafter: exit 6\n', 6, 'ran\n'],
    ['run: |\n  echo one\n  echo two\n', 0, 'one\ntwo\n'],
  ])('%j ends with status %i', async (manifest, status, stdout) => {
    expect(await run(manifest)).toEqual({ status, stdout });
  });

  it('leaves what is not the application’s alone', () => {
    const inApp = (path: string) => path === 'a/b' || path === 'x';
    expect(atApp('./a/b ./c;./x|../x a./x', inApp)).toBe('"$app"/a/b ./c;"$app"/x|../x a./x');
  });

  it('knows the first word of a command line', () => {
    expect(firstWord('  ./job.sh $(x)')).toBe('./job.sh');
    expect(firstWord('prog;x')).toBe('prog');
    for (const line of ['X=1 prog', '"$prog" x', '(a)', '{ a; }', '$x'])
      expect(firstWord(line)).toBeUndefined();
  });
});

describe('parameter files', () => {
  it('quote any value for a shell', () => {
    const quoted = fc.string({
      unit: fc.constantFrom(...Array.from('ab\'"$`\\ \n\t*?~!#&|;<>()[]{}ü')),
      maxLength: 12,
    });
    fc.assert(
      fc.property(quoted, (text) => {
        const echoed = execFileSync('sh', ['-c', `v=${shellQuote(text)}; printf '%s.' "$v"`], {
          encoding: 'utf8',
        });
        expect(echoed).toBe(`${text}.`);
      }),
      { numRuns: 60 },
    );
  });

  it('hold the values in every form, in order', () => {
    const entries = parameterFiles({ z: 1e21, a: 'x\ny', t: true }, 'id<1>');
    const text = Object.fromEntries(
      entries.flatMap((entry) =>
        entry.kind === 'file' ? [[entry.path, Buffer.from(entry.content as Uint8Array).toString()]] : [],
      ),
    );
    expect(text).toMatchObject({
      param: '1e+21 x y true\n',
      'params.json': '{"z":1e+21,"a":"x\\ny","t":true}\n',
      'params.sh': "z='1e+21'\na='x\ny'\nt='true'\n",
      'param.d/a': 'x\ny',
    });
    expect(text['ovf-env.xml']).toContain('oe:id="id&#60;1&#62;"');
    expect(text['ovf-env.xml']).toContain('oe:key="a" oe:value="x&#10;y"');
  });
});
