import { execFile, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GuestEvent, guestEventNames, parseGuestEvent } from '../../src/model/guest-event.js';
import { guestFile } from '../../src/system/package.js';

// GVAD runs here against folders, without any machine: the media are already "mounted" under a folder.
const shells = [['dash'], ['bash', '--posix'], ['busybox', 'sh']];

describe.each(shells)('gvad under %s', (...shell: string[]) => {
  let root = '';

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'gvad-test-'));
    await put('app/.gva/gvad.conf', 'media=output cdrom\nend=poweroff\n');
    await mkdir(join(root, 'output'));
    await put('cdrom/param', '7 fast\n');
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  async function put(path: string, text: string, mode = 0o644): Promise<void> {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
    await chmod(join(root, path), mode);
  }

  const script = (name: string, body: string) => put(name, `#!/bin/sh\n${body}\n`, 0o755);
  const read = (path: string) => readFile(join(root, path), 'utf8');

  function environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      GVAD_ROOT: root,
      GVAD_MOUNT: 'no',
      GVAD_EVENTS: join(root, 'events'),
      GVAD_POWEROFF: `touch ${join(root, 'powered-off')}`,
      GVAD_WAIT: '0',
      TMPDIR: root,
    };
  }

  async function events(): Promise<GuestEvent[]> {
    const lines = (await read('events')).trimEnd().split('\n');
    const parsed = lines.map(parseGuestEvent);
    expect(parsed).not.toContain(undefined);
    return parsed as GuestEvent[];
  }

  async function runToPowerOff(gvad = guestFile('gvad'), more = {}): Promise<GuestEvent[]> {
    const [command = '', ...options] = shell;
    const env = { ...environment(), ...more };
    await new Promise<void>((resolve, reject) => {
      execFile(command, [...options, gvad], { env, timeout: 60_000 }, (error) =>
        error ? reject(new Error(error.message)) : resolve(),
      );
    });
    expect(await readdir(root)).toContain('powered-off');
    return events();
  }

  it('runs the scripts in name order, each in the output folder, and moves them off their medium', async () => {
    await script('app/script-bin/20-second', 'echo second >>order; cat "$GVA_CDROM/param"');
    await script('app/script-bin/10-first', 'echo first >>order; echo to stderr >&2');
    await put('app/script-bin/30-not-executable', '#!/bin/sh\necho third >>order\n');
    const seen = await runToPowerOff();
    expect(await read('output/order')).toBe('first\nsecond\n');
    expect(await read('output/.gva/20-second.stdout')).toBe('7 fast\n');
    expect(await read('output/.gva/10-first.stderr')).toBe('to stderr\n');
    expect(await read('output/.gva/10-first.status')).toBe('0\n');
    expect(await readdir(join(root, 'app/script-bin'))).toEqual(['30-not-executable']);
    expect(seen.map(({ name }) => name)).toEqual([
      ...['boot', 'ready', 'script-start', 'script-end', 'script-start', 'script-end', 'done'],
    ]);
    expect(seen.at(-1)?.fields).toMatchObject({ scripts: '2', failed: '0' });
  });

  /** GVAD with a helper beside it that plays the host and the kernel, too. */
  async function runAsTemplate(helper: string): Promise<GuestEvent[]> {
    await put('sbin/gvad', await readFile(guestFile('gvad'), 'utf8'), 0o755);
    await script('sbin/gvad-wake', helper);
    await script('app/script-bin/10-a', 'echo ran');
    return runToPowerOff(join(root, 'sbin/gvad'), { GVAD_TEMPLATE: '1' });
  }

  it('as a template stops before the media, and goes on with those that are mounted on waking', async () => {
    const seen = await runAsTemplate(
      'echo "$2" >>"$1"; echo "@gva1 wake t=1 reseeded=1 id=x" >>"$1"; echo "app=vdb output=vdc "',
    );
    expect(seen.map(({ name }) => name)).toEqual([
      ...['boot', 'idle', 'wake', 'medium', 'medium', 'ready', 'script-start', 'script-end', 'done'],
    ]);
    expect(seen[1]?.fields).toMatchObject({ template: '1' });
    expect(seen[3]?.fields).toMatchObject({ label: 'GVA-APP', device: '/dev/vdb', folder: '/app' });
    expect(seen[4]?.fields).toMatchObject({ label: 'GVA-OUT', device: '/dev/vdc', folder: '/output' });
    expect(await read('output/.gva/10-a.stdout')).toBe('ran\n');
  });

  it('after a rehearsal waits to be woken again, and remembers nothing of it', async () => {
    await put('first', '');
    await put('app/.gva/gvad.conf', 'media=output cdrom\nend=wake\n');
    // Between the two the host exchanges the media.
    const exchange = `cd "$GVAD_ROOT"; rm -r output; mkdir output; printf 'media=output cdrom\\nend=poweroff\\n' >app/.gva/gvad.conf
printf '#!/bin/sh\\necho again; exit 3\\n' >app/script-bin/10-a; chmod +x app/script-bin/10-a`;
    const seen = await runAsTemplate(`echo "$2" >>"$1"; echo "@gva1 wake t=1 id=x" >>"$1"
if [ -e "$GVAD_ROOT/first" ]; then rm "$GVAD_ROOT/first"; else ${exchange}; fi
echo app=vdb`);
    const waking = ['boot', 'idle', 'wake', 'medium', 'ready', 'script-start', 'script-end'];
    expect(seen.map(({ name }) => name)).toEqual([...waking, ...waking, 'done']);
    expect(seen[8]?.fields).toMatchObject({ template: '1' });
    expect(seen.at(-1)?.fields).toMatchObject({ scripts: '1', failed: '1' });
    expect((await readdir(join(root, 'output/.gva'))).sort()).toEqual([
      ...['10-a.status', '10-a.stderr', '10-a.stdout'],
    ]);
    expect(await read('output/.gva/10-a.stdout')).toBe('again\n');
    expect((await readdir(root)).filter((name) => name.startsWith('gvad.'))).toEqual([]);
  });

  it('powers off where an appliance speaks of waking in a machine that was not woken', async () => {
    await put('app/.gva/gvad.conf', 'media=output cdrom\nend=wake\n');
    await script('app/script-bin/10-a', 'true');
    expect((await runToPowerOff()).at(-1)?.name).toBe('done');
  });

  it('goes on as ever, and says so, where it cannot be woken', async () => {
    const seen = await runAsTemplate('exit 1');
    expect(seen.map(({ name }) => name)).toEqual([
      ...['boot', 'error', 'ready', 'script-start', 'script-end', 'done'],
    ]);
    expect(seen[1]?.fields['message']).toBe('this base cannot be woken');
  });

  describe('with a script of which a part is done once', () => {
    /** Plays gvad-wake in both its parts. */
    const helper = () => `[ "$1" != -- ] || { shift; exec "$@"; }
echo "$2" >>"$1"
mv ${root}/run/gvad/awake.file ${root}/run/gvad/awake
echo "@gva1 wake t=1 reseeded=1 id=x" >>"$1"`;

    beforeEach(async () => {
      await put('app/.gva/gvad.conf', 'media=output cdrom\nend=poweroff\nwarm=50-a\n');
      await put('sbin/gvad', await readFile(guestFile('gvad'), 'utf8'), 0o755);
      await script('sbin/gvad-wake', helper());
      await script('app/script-bin/60-b', 'echo later >>order');
    });

    const launcher = (before: string, run: string) =>
      script('app/script-bin/50-a', `${before}\n[ -z "\${GVA_BEGIN:-}" ] || . "$GVA_BEGIN"\n${run}`);
    const runIt = (template: string) => runToPowerOff(join(root, 'sbin/gvad'), { GVAD_TEMPLATE: template });

    it.each(['app', ''])('gives the same as a template and cold: template=%s', async (template) => {
      await launcher(
        `echo early; echo first >order; mkdir deep; cd deep; X=1; export Y=2
(cat "${root}/run/gvad/awake"; cat "$GVA_CDROM/param" >"$GVA_OUTPUT/served"; echo from a server) &`,
        `wait $!; echo "$X $Y $PWD $(env | grep -c GVA_BEGIN)"; echo second >>../order; wc -c <"${root}/run/gvad/seed"
exit 4`,
      );
      const seen = await runIt(template);
      const stdout = (await read('output/.gva/50-a.stdout')).replaceAll(root, 'R');
      // What goes on in the background while it is woken says it there or to the end.
      const late = 'from a server\n';
      expect(stdout.replace(late, '')).toBe('early\n1 2 R/output/deep 0\n73\n');
      const places = template === '' ? [6] : [6, stdout.length - late.length];
      expect(places).toContain(stdout.indexOf(late));
      expect(await read('output/served')).toBe('7 fast\n');
      expect(await read('output/order')).toBe('first\nsecond\nlater\n');
      const once = template === '' ? ['boot'] : ['boot', 'idle', 'wake'];
      expect(seen.map(({ name }) => name)).toEqual([
        ...[...once, 'ready', 'script-start', 'script-end', 'script-start', 'script-end', 'done'],
      ]);
      expect(seen.at(-4)?.fields).toMatchObject({ name: '50-a', status: '4' });
      expect(seen.at(-1)?.fields).toMatchObject({ scripts: '2', failed: '1' });
      if (template !== '') expect(seen[1]?.fields).toMatchObject({ template: 'app' });
    });

    it('says so as a template where that part fails, or nothing is done once', async () => {
      await launcher('echo "no such table" >&2; exit 3', 'echo never');
      expect((await runIt('app'))[1]).toMatchObject({
        ...{ name: 'error', fields: { message: 'before ended with status 3: no such table' } },
      });
      await put('app/.gva/gvad.conf', 'media=output cdrom\nend=poweroff\n');
      await rm(join(root, 'powered-off'));
      await rm(join(root, 'events'));
      await script('app/script-bin/50-a', 'true');
      expect((await runIt('app'))[1]?.fields['message']).toMatch(/nothing that could be done once/);
    });
  });

  it('keeps the status of a script that fails, and goes on', async () => {
    await script('app/script-bin/10-fails', 'exit 7');
    await script('app/script-bin/20-killed', 'kill -9 $$');
    await script('app/script-bin/30-runs', 'true');
    const ends = (await runToPowerOff()).filter(({ name }) => name === 'script-end' || name === 'done');
    expect(ends.map(({ fields }) => fields['status'])).toEqual(['7', '137', '0', undefined]);
    expect(ends.at(-1)?.fields).toMatchObject({ scripts: '3', failed: '2' });
    expect(await read('output/.gva/20-killed.status')).toBe('137\n');
  });

  it('gives scripts the variables of the contract and no input', async () => {
    await script('app/script-bin/10-env', 'env | grep ^GVA_ | sort; pwd; wc -c');
    await runToPowerOff();
    expect((await read('output/.gva/10-env.stdout')).replaceAll(root, 'R').split('\n').slice(0, -1)).toEqual([
      'GVA_APP=R/app',
      'GVA_CDROM=R/cdrom',
      'GVA_CONTRACT=1',
      'GVA_DATA=R/data',
      'GVA_EVENTS=R/events',
      'GVA_FLOPPY=R/floppy',
      'GVA_INSERTED=R/inserted',
      'GVA_OUTPUT=R/output',
      'GVA_SCRIPT=10-env',
      'R/output',
      '0',
    ]);
  });

  it('runs scripts of any name, and the events say which', async () => {
    const name = 'a b%c\tü$(touch x)';
    await script(`app/script-bin/${name}`, 'echo ran');
    const seen = await runToPowerOff();
    expect(seen.find((event) => event.name === 'script-start')?.fields['name']).toBe(name);
    expect(await read(`output/.gva/${name}.stdout`)).toBe('ran\n');
    expect(await readdir(join(root, 'output'))).toEqual(['.gva']);
  });

  it('runs what a script adds, and keeps the logs of two scripts of one name apart', async () => {
    await script(
      'app/script-bin/10-adds',
      'printf "#!/bin/sh\\necho again\\n" >"$GVA_APP/script-bin/10-adds"; chmod +x "$GVA_APP/script-bin/10-adds"',
    );
    const seen = await runToPowerOff();
    expect(seen.at(-1)?.fields).toMatchObject({ scripts: '2', failed: '0' });
    expect(await read('output/.gva/10-adds.2.stdout')).toBe('again\n');
  });

  it('shares the data and output folders of a combined application disk', async () => {
    await put('app/.gva/gvad.conf', 'media=data output cdrom\nend=poweroff\n');
    await put('app/data/input', 'in\n');
    await script('app/script-bin/10-ok', 'true');
    const seen = await runToPowerOff();
    expect(seen.filter(({ name }) => name === 'error')).toEqual([]);
  });

  it('takes the defaults of the appliance where no CD comes', async () => {
    await rm(join(root, 'cdrom'), { recursive: true });
    await put('app/.gva/cdrom/param', 'default\n');
    await script('app/script-bin/10-cat', 'cat "$GVA_CDROM/param"');
    await runToPowerOff();
    expect(await read('output/.gva/10-cat.stdout')).toBe('default\n');
  });

  describe('where another host made the CD, with the OVF environment and nothing else of ours', () => {
    const property = (key: string, value: string) => `<Property oe:key="${key}" oe:value="${value}"/>`;
    beforeEach(async () => {
      await rm(join(root, 'cdrom/param'));
      await put(
        'cdrom/ovf-env.xml',
        `<Environment><PropertySection>${property('text', '&lt;$(id) &apos;x')}${property('n', '7')}</PropertySection></Environment>`,
      );
      await put('app/.gva/parameters', 'int n\nstring text\nbool fast\n');
      await put('app/.gva/cdrom/param', '1 default true\n');
      for (const [name, value] of [
        ['n', '1'],
        ['text', 'default'],
        ['fast', 'true'],
      ])
        await put(`app/.gva/cdrom/param.d/${name}`, value ?? '');
      await script('app/script-bin/10-cat', 'cat "$GVA_CDROM/param"; . "$GVA_CDROM/params.sh"; echo "$text"');
    });

    it('makes the parameter files', async () => {
      const seen = await runToPowerOff();
      expect(await read('output/.gva/10-cat.stdout')).toBe("7 <$(id) 'x true\n<$(id) 'x\n");
      expect(await read('cdrom/params.json')).toBe(`{"n":7,"text":"<$(id) 'x","fast":true}\n`);
      expect(seen.filter(({ name }) => name === 'error')).toEqual([]);
    });

    it('says which parameter has no value', async () => {
      await rm(join(root, 'app/.gva/cdrom/param.d/fast'));
      const seen = await runToPowerOff();
      expect(await read('output/.gva/10-cat.stdout')).toMatch(/^7 <\$\(id\) 'x\n/);
      expect(seen.filter(({ name }) => name === 'error').map(({ fields }) => fields['message'])).toEqual([
        'parameter fast has no value',
      ]);
    });

    it('leaves a CD alone that has the parameter files', async () => {
      await put('cdrom/param', 'own\n');
      await put('cdrom/params.sh', 'text=own\n');
      await runToPowerOff();
      expect(await read('output/.gva/10-cat.stdout')).toBe('own\nown\n');
      expect(await readdir(join(root, 'cdrom'))).not.toContain('params.json');
    });
  });

  it('with end=wait says idle, takes new scripts at any time, and does not power off', async () => {
    await put('app/.gva/gvad.conf', 'media=output cdrom\nend=wait\n');
    const [command = '', ...options] = shell;
    const child = spawn(command, [...options, guestFile('gvad')], { env: environment(), detached: true });
    try {
      await eventually(async () => (await read('events')).includes('idle'));
      await script('new', 'echo hello >hello');
      await mkdir(join(root, 'app/script-bin'));
      await rename(join(root, 'new'), join(root, 'app/script-bin/late'));
      await eventually(async () => (await read('events').catch(() => '')).match(/idle/g)?.length === 2);
      expect(await read('output/hello')).toBe('hello\n');
      expect(child.exitCode).toBeNull();
    } finally {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    }
  });
});

/** Waits until the condition holds; the test's own time limit is the only clock. */
async function eventually(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition().catch(() => false))) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('the event protocol', () => {
  it('has the same names in GVAD, in the model and in the contract', async () => {
    const gvad = await readFile(guestFile('gvad'), 'utf8');
    const emitted = new Set([...gvad.matchAll(/\bemit '?([a-z-]+)'?/g)].map((match) => match[1]));
    for (const name of emitted) expect(guestEventNames).toContain(name);
    const contract = await readFile(join(dirname(guestFile('x')), '../docs/guest-contract.md'), 'utf8');
    const [, section = ''] = contract.split('## 5. Events');
    const described = [...section.matchAll(/^\| `([a-z-]+)` +\|/gm)].map((match) => match[1]);
    expect(described.sort()).toEqual([...guestEventNames].sort());
  });
});
