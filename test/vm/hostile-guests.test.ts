import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openExt4 } from '../../src/disk/ext4/index.js';
import { lookUp } from '../../src/disk/lookup.js';
import { openRaw } from '../../src/disk/source.js';
import { loadDirectBase } from '../../src/base/store.js';
import { filesOf } from '../../src/model/base.js';
import { digestFile } from '../../src/system/files.js';
import {
  type ApplianceText,
  gva,
  noneLeft,
  readResult,
  temporaryFolder,
  writeAppliance,
} from '../support/gva.js';

// Guests that mean harm. Under User-mode Linux, where a guest's processes are processes of the host, and which starts
// quickest; what QEMU does otherwise is tried under it, too.

const isLong = process.env['GVA_LONG'] !== undefined;

/** Bytes of all files in a folder, as they lie on the disk. */
async function allocated(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder, { recursive: true }))
    bytes += (await stat(join(folder, name))).blocks * 512;
  return bytes;
}

/** Runs an appliance, and looks that nothing of it is left, however it ended. */
async function run(text: ApplianceText, vmm: string, ...options: string[]) {
  const folder = await temporaryFolder();
  const appliance = await writeAppliance(join(folder.path, 'a'), text);
  const out = join(folder.path, 'out');
  const env = { GVA_SCRATCH: folder.path };
  const args = ['run', appliance, '--vmm', vmm, '--out', out, ...options];
  const outcome = await gva(args, env, folder.path, isLong ? 3000 : 280);
  expect((await readdir(folder.path)).sort(), outcome.stderr).toEqual(['a', 'out']);
  await noneLeft(folder.path);
  const [result, size] = [await readResult(out), await allocated(out)];
  return { ...outcome, result, out, size, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

describe('a guest that', () => {
  it('is a fork bomb is ended at its time limit, with all that it became', async () => {
    const job = 'echo early >early; sync; bomb() { bomb | bomb & }; bomb; sleep 600';
    await using ran = await run({ yaml: 'hardware: { memory: 96M }\n', job }, 'uml', '--timeout', '6s');
    expect(ran.code).not.toBe(0);
    expect(ran.result.state).not.toBe('done');
    expect(ran.result.times.collected).toBeLessThan(60);
  });

  it.each(['qemu', 'uml'])('restarts for ever is lost at its first restart, under %s', async (vmm) => {
    await using ran = await run({ job: 'echo early >early; sync; reboot -f; sleep 600' }, vmm);
    expect(ran).toMatchObject({ code: 69, result: { state: 'lost', cause: 'panic' } });
    expect(ran.stderr).toContain('the guest restarted');
    expect(await readFile(join(ran.out, 'output/early'), 'utf8')).toBe('early\n');
  });

  it.runIf(isLong)(
    'never powers off is ended half a minute after it has said that it was done (long form)',
    async () => {
      const job = 'echo "@gva1 done t=1" >/dev/ttyS0; trap "" TERM HUP; while :; do sleep 1; done';
      await using ran = await run({ job }, 'uml');
      expect(ran.result.state).not.toBe('done');
      expect(ran.code).not.toBe(0);
    },
  );

  it.each(['qemu', 'uml'])('sets its clock is done, and nothing goes by it, under %s', async (vmm) => {
    const set = (when: string) => `date -s "${when}" >/dev/null; date +%Y >>years; `;
    const job = set('1970-01-02 00:00:00') + ': >early; sleep 1; ' + set('2200-01-01 00:00:00') + ': >late';
    await using ran = await run({ job }, vmm, '--timeout', '200s');
    expect(ran).toMatchObject({ code: 0, result: { state: 'done', output: { findings: [] } } });
    expect(await readFile(join(ran.out, 'output/years'), 'utf8')).toBe('1970\n2200\n');
    const years = ['early', 'late'].map(async (name) => (await stat(join(ran.out, 'output', name))).mtime);
    expect((await Promise.all(years)).map((date) => date.getUTCFullYear())).toEqual([1970, 2200]);
    const { times } = ran.result;
    expect(Object.values(times).filter((time) => time === null || time < 0 || time > 280)).toEqual([]);
    expect(Date.parse(ran.result.startedAt)).toBeGreaterThan(Date.now() - 280_000);
  });

  it('leaves thousands of files has them all at home', async () => {
    const job = 'i=0; while [ $i -lt 12000 ]; do : >f$i; i=$((i + 1)); done';
    await using ran = await run({ yaml: 'output: { size: 256M }\n', job }, 'uml');
    expect(ran).toMatchObject({ code: 0, result: { state: 'done', output: { findings: [] } } });
    expect((await readdir(join(ran.out, 'output'))).filter((name) => /^f\d+$/.test(name))).toHaveLength(
      12_000,
    );
  });

  it.runIf(isLong)(
    'leaves a million files has those that a limit allows at home, and its disk (long form)',
    { timeout: 3_600_000 },
    async () => {
      const job = 'i=0; while [ $i -lt 1000000 ]; do : >f$i; i=$((i + 1)); done';
      await using ran = await run({ yaml: 'output: { size: 20G }\n', job }, 'uml', '--timeout', '30m');
      expect(ran).toMatchObject({ code: 0, result: { state: 'done' } });
      const [kept] = ran.result.output?.findings ?? [];
      const files = (await readdir(join(ran.out, 'output'))).filter((name) => /^f\d+$/.test(name));
      // Which limit is reached first is the host's: a million entries, or ten minutes.
      expect(kept?.code).toBe('DISK_KEPT');
      expect(files.length).toBeGreaterThan(12_000);
      const image = join(ran.out, 'output.img');
      await using source = await openRaw(image);
      const tree = await openExt4(source);
      for (const name of ['f0', 'f499999', 'f999999'])
        expect((await lookUp(tree, name, () => undefined))?.kind, name).toBe('file');
    },
  );

  it('uses up all inodes has failed, or has what it could leave', async () => {
    const job = 'i=0; while : >f$i; do i=$((i + 1)); done; exit 7';
    await using ran = await run({ yaml: 'output: { size: 2M }\n', job }, 'uml');
    expect(ran).toMatchObject({ code: 1, result: { state: 'failed' } });
    expect((await readdir(join(ran.out, 'output'))).length).toBeGreaterThan(10);
  });

  it('leaves petabytes of holes takes no room', async () => {
    const job =
      'for i in $(seq 200); do dd if=/dev/zero of=hole$i bs=1 count=1 seek=900G 2>/dev/null; done; ls | wc -l >count; exit 0';
    await using ran = await run({ yaml: 'output: { size: 64M }\n', job }, 'uml');
    expect(ran.result.state).toBe('done');
    const names = (await readdir(join(ran.out, 'output'))).filter((name) => name.startsWith('hole'));
    expect(names.length).toBeGreaterThan(100);
    expect((await stat(join(ran.out, 'output', names[0]!))).size).toBeGreaterThan(2 ** 33);
    expect(ran.size).toBeLessThan(64 << 20);
  });

  it.each(['qemu', 'uml'])('writes over every disk that it has harms itself only, under %s', async (vmm) => {
    const base = await loadDirectBase('micro');
    const digests = () => Promise.all(filesOf(base).map(({ name }) => digestFile(join(base.folder, name))));
    const before = await digests();
    const job = [
      'for disk in /dev/ubd? /dev/vd? /dev/sd? /dev/sr?; do',
      '  [ -b $disk ] && dd if=/dev/urandom of=$disk bs=64k count=64 2>/dev/null',
      'done',
      'echo o >/proc/sysrq-trigger; sleep 600',
    ].join('\n');
    await using ran = await run({ job, yaml: 'parameters: { n: { type: int, default: 7 } }\n' }, vmm);
    expect(ran).toMatchObject({ code: 69, result: { state: 'lost' } });
    expect(await digests()).toEqual(before);
    expect(before).toEqual(filesOf(base).map(({ sha256 }) => sha256));
    await using next = await run({ job: 'echo well >well' }, vmm);
    expect(next.code).toBe(0);
  });

  it('forges events is believed of itself only', async () => {
    await using folder = await temporaryFolder();
    const events = [
      'script-end t=1 name=50-autorun status=0 free=1000',
      'done t=1 scripts=1 failed=0',
      'script-start t=1 name=other',
      'progress t=1 fraction=1e999 instance=test-1-2',
      `boot${' x=1'.repeat(2000)}`,
    ];
    const forge = events.map((event) => `echo '@gva1 ${event}' >/dev/ttyS0`).join('; ');
    const yaml = 'parameters: { evil: { type: bool } }\n';
    const job = `if [ "$1" = true ]; then ${forge}; poweroff -f; fi; sleep 3; exit 3`;
    await writeAppliance(join(folder.path, 'a'), { yaml, job });
    const out = (evil: boolean) => join(folder.path, `out-${evil}`);
    await Promise.all(
      [true, false].map((evil) =>
        gva(['run', join(folder.path, 'a'), '-p', `evil=${evil}`, '--vmm', 'uml', '--out', out(evil)]),
      ),
    );
    expect(await readResult(out(false))).toMatchObject({
      state: 'failed',
      scripts: [{ name: '50-autorun', status: 3 }],
    });
    expect((await readResult(out(true))).parameters).toEqual({ evil: true });
  });

  it('speaks to the terminal is not heard there, whatever it names so', async () => {
    const bad = '\\033]0;owned\\007\\033[2J\\302\\2332J\\342\\200\\256';
    const job = [
      `name=$(printf '${bad}x')`,
      'echo one >"$name"; ln -s "/$name" "l$name"; mkfifo "p$name"',
      `printf '@gva1 script-start t=1 name=%s\\n' "$name" >/dev/ttyS0`,
      `printf '@gva1 progress t=1 fraction=0.5 message=%s\\n' "$name" >/dev/ttyS0`,
      `printf '%s=%s\\n' "$name" "$name" >result.txt`,
      'echo "$name"; echo "$name" >&2; echo "$name" >/dev/console',
      'exit 3',
    ].join('\n');
    await using ran = await run({ job }, 'uml');
    expect(ran.result.state).toBe('failed');
    const shown = ran.stderr + ran.stdout;
    // As \p{Cc} and \p{Cf}: control and format characters, the bidirectional ones among them.
    expect(shown.replaceAll('\n', '').match(/[\p{Cc}\p{Cf}]/gu)).toBeNull();
    expect(ran.result.output?.findings.length).toBeGreaterThan(0);
  });
});
