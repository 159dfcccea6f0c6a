import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type ApplianceText,
  gva,
  processesWith,
  outputBytes,
  readResult,
  temporaryFolder,
  writeAppliance,
} from '../support/gva.js';

// Real guests. To see one of these alone: npx vitest run --project vm test/vm/run.test.ts -t 'NAME'

const parametersYaml = `parameters:
  n: { type: int, default: 7 }
  ratio: { type: float, default: 2.5 }
  on: { type: bool, default: true }
  text: { type: string, default: "a b" }
`;

const everything: ApplianceText = {
  yaml: `${parametersYaml}before: echo before >trace && export FROM_BEFORE=yes\nafter: echo "after $FROM_BEFORE" >>trace\n`,
  job: [
    'echo run >>trace',
    'printf "%s|" "$@" >words',
    'cp /cdrom/params.json /cdrom/params.sh /cdrom/ovf-env.xml .',
    'cp -r /cdrom/param.d .',
    '. /cdrom/params.sh && printf %s "$text" >from-shell',
    'cat /data/table /cdrom/extra >inputs',
    'mkdir -p deep/er && ln -s er deep/link && echo x >deep/er/x && chmod 750 deep/er/x',
    'echo written >/app/beside && cat /app/beside /app/"with blank" >beside',
    'whoami',
    'echo to stderr >&2',
  ].join('\n'),
  files: { 'data/table': 'table\n', 'app/with blank': 'blank\n' },
};

describe('gva run', () => {
  it('gives the same bytes under every VMM, from parameters, files, data and application disk', async () => {
    await using folder = await temporaryFolder();
    const appliance = await writeAppliance(join(folder.path, 'a'), everything);
    await writeFile(join(folder.path, 'extra'), 'extra\n');
    const text = `it's "$HOME" & <ü>\n`;
    const outputs: Record<string, string>[] = [];
    for (const vmm of ['qemu', 'uml']) {
      const out = join(folder.path, vmm);
      const words = ['--param', 'n=-3', '--param', `text=${text}`, '--file', join(folder.path, 'extra')];
      const { code, stderr } = await gva(['run', appliance, ...words, '--vmm', vmm, '--out', out]);
      expect(stderr).toContain('done in');
      expect(code).toBe(0);
      expect(await readResult(out)).toMatchObject({
        state: 'done',
        vmm: { name: vmm },
        output: { findings: [] },
      });
      outputs.push(await outputBytes(out));
    }
    const [qemu = {}, uml] = outputs;
    // The virtual system's id in the OVF environment is the instance's.
    for (const output of outputs)
      output['ovf-env.xml'] = (output['ovf-env.xml'] ?? '').replace(/oe:id="[^"]*"/, '');
    expect(uml).toEqual(qemu);
    const utf8 = (latin1: string | undefined) => Buffer.from(latin1 ?? '', 'latin1').toString('utf8');
    expect(qemu).toMatchObject({
      trace: 'before\nrun\nafter yes\n',
      inputs: 'table\nextra\n',
      beside: 'written\nblank\n',
      'deep/er/x': 'x\n',
      '.gva/50-autorun.stdout': 'root\n',
      '.gva/50-autorun.stderr': 'to stderr\n',
      '.gva/50-autorun.status': '0\n',
      'param.d/n': '-3',
      'param.d/ratio': '2.5',
      'param.d/on': 'true',
    });
    expect(utf8(qemu['param.d/text'])).toBe(text);
    expect(utf8(qemu['from-shell'])).toBe(text);
    expect(utf8(qemu['words'])).toBe(`-3|2.5|true|it's|"$HOME"|&|<ü>|`);
    expect(JSON.parse(utf8(qemu['params.json']))).toEqual({ n: -3, ratio: 2.5, on: true, text });
    expect(utf8(qemu['ovf-env.xml'])).toContain(
      'oe:key="text" oe:value="it&#39;s &#34;$HOME&#34; &#38; &#60;ü&#62;&#10;"',
    );
  });

  // GVA_LONG: QEMU, too; its emulation takes its time.
  describe.each(process.env['GVA_LONG'] ? ['qemu', 'uml'] : ['uml'])('under %s', (vmm) => {
    async function run(text: ApplianceText, ...options: string[]) {
      await using folder = await temporaryFolder();
      const appliance = await writeAppliance(join(folder.path, 'a'), text);
      const out = join(folder.path, 'out');
      const scratch = { GVA_SCRATCH: folder.path };
      const outcome = await gva(['run', appliance, '--vmm', vmm, '--out', out, ...options], scratch);
      const left = (await readdir(folder.path)).sort();
      expect(left, outcome.stderr).toContain('out');
      return {
        ...outcome,
        result: await readResult(out),
        output: await outputBytes(out),
        console: await readFile(join(out, 'console.log'), 'utf8'),
        left,
        processes: await processesWith(folder.path),
      };
    }
    const clean = { left: ['a', 'out'], processes: [] };

    it('a script that fails: exit 1, its status and what it said', async () => {
      const ran = await run({ job: 'echo half >half; echo "no such gene: BRCA9" >&2; exit 3' });
      expect(ran).toMatchObject({ code: 1, ...clean, output: { half: 'half\n' } });
      expect(ran.result).toMatchObject({ state: 'failed', cause: 'script-status', scripts: [{ status: 3 }] });
      expect(ran.stderr).toContain('status 3');
      expect(ran.stderr).toContain('no such gene: BRCA9');
    });

    it('a program that is not there: exit 1, said so', async () => {
      const ran = await run({ yaml: 'before: missing-program\n', job: 'true' });
      expect(ran).toMatchObject({ code: 1, ...clean, result: { scripts: [{ status: 127 }] } });
      expect(ran.stderr).toMatch(/not found/);
    });

    it('a full output disk: exit 1, with the size to raise', async () => {
      const ran = await run({
        yaml: 'output: { size: 2M }\n',
        job: 'echo kept >kept; head -c 9000000 /dev/zero >big',
      });
      expect(ran).toMatchObject({ code: 1, ...clean, result: { state: 'failed', cause: 'output-full' } });
      expect(ran.output['kept']).toBe('kept\n');
      expect(ran.stderr).toContain('output.size');
    });

    it('a guest that panics: exit 69, with the last lines of the console', async () => {
      const ran = await run({ job: 'echo early >early; sync; echo c >/proc/sysrq-trigger; sleep 100' });
      expect(ran).toMatchObject({ code: 69, ...clean, result: { state: 'lost', cause: 'panic' } });
      expect(ran.stderr).toContain('last lines of the console');
      expect(ran.console).toMatch(/Kernel panic/);
      expect(ran.output['early']).toBe('early\n');
    });

    it('a guest that hangs: exit 69 after --timeout, with what it wrote before', async () => {
      const ran = await run({ job: 'echo early >early; sync; while :; do :; done' }, '--timeout', '20s');
      expect(ran).toMatchObject({ code: 69, ...clean, result: { state: 'lost', cause: 'timeout' } });
      expect(ran.output['early']).toBe('early\n');
    });

    it('a guest that powers off in the middle: lost, never done', async () => {
      const ran = await run({ job: 'sync; poweroff -f; sleep 100' });
      expect(ran).toMatchObject({ code: 69, ...clean, result: { state: 'lost', cause: 'no-done' } });
    });

    it('a process left behind that holds the output disk does not keep the instance from its end', async () => {
      const ran = await run({ job: '(exec 5>held; echo data >&5; exec sleep 1000) & sleep 1' });
      expect(ran).toMatchObject({ code: 0, ...clean, output: { held: 'data\n' } });
    });

    it('an application that uses all memory: exit 1, with the memory to raise', async () => {
      const yaml = 'hardware: { memory: 128M }\n';
      // A megabyte at a time: a single request for more than there is would be refused, and kill nobody.
      const job = `awk 'BEGIN { s = sprintf("%1000000s", ""); while (1) a[i++] = s i }'`;
      const ran = await run({ yaml, job });
      expect(ran).toMatchObject({ code: 1, ...clean, result: { state: 'failed' } });
      expect(ran.stderr).toContain('hardware.memory');
    });

    it('keeps the disks with --keep-disks, and prints one JSON document with --json', async () => {
      await using folder = await temporaryFolder();
      const appliance = await writeAppliance(join(folder.path, 'a'), { job: 'echo kept >kept' });
      const out = join(folder.path, 'out');
      const { stdout, code } = await gva([
        'run',
        appliance,
        '--vmm',
        vmm,
        '--out',
        out,
        '--keep-disks',
        '--json',
      ]);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toEqual(await readResult(out));
      expect(await readdir(join(out, 'instance'))).toEqual(
        expect.arrayContaining(['output.img', 'params.iso', 'root.overlay', 'app.overlay']),
      );
    });
  });
});
