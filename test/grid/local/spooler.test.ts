import { execFile } from 'node:child_process';
import { appendFile, mkdir, readFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JobArray } from '../../../src/grid/engine.js';
import { LocalEngine } from '../../../src/grid/local/engine.js';
import { QueueFolder } from '../../../src/grid/local/queue-folder.js';
import { Spooler } from '../../../src/grid/local/spooler.js';
import { packageRoot } from '../../../src/system/package.js';
import { readTextIfExists } from '../../../src/system/files.js';
import { eventually, noneLeft, processesWith, temporaryFolder } from '../../support/gva.js';
import { arrayOf, endsOf, never, sent } from '../contract.js';

/** A queue in a folder of its own; when it is disposed of, no process of its may be left. */
async function newQueue() {
  const folder = await temporaryFolder();
  const queue = join(folder.path, 'queue');
  return {
    ...{ folder: folder.path, queue, engine: new LocalEngine(queue) },
    array: (script: string, change: Partial<JobArray> = {}) => arrayOf(folder.path, script, change),
    spoolers: () => processesWith(queue),
    async [Symbol.asyncDispose]() {
      await noneLeft(folder.path);
      await folder[Symbol.asyncDispose]();
    },
  };
}

const there = async (path: string) => (await readTextIfExists(path)) !== undefined;

describe('the spooler', () => {
  it('outlives who submitted, and ends when nothing is left to do', async () => {
    await using used = await newQueue();
    const array = used.array(`while [ ! -e ${used.folder}/go ]; do sleep 0.05; done`, { elements: 3 });
    const client = `import { LocalEngine } from ${JSON.stringify(join(packageRoot, 'dist/src/grid/local/engine.js'))};
      const never = new AbortController().signal;
      console.log(await new LocalEngine(${JSON.stringify(used.queue)}).submit(${JSON.stringify(array)}, never));`;
    const job = await new Promise<string>((resolve, reject) => {
      execFile(process.execPath, ['--input-type=module', '-e', client], (error, stdout) =>
        error ? reject(new Error(error.message)) : resolve(stdout.trim()),
      );
    });
    expect(await used.engine.find(array.name)).toEqual([job]);
    await eventually(async () =>
      (await used.engine.poll([{ job, name: array.name }])).some(({ state }) => state === 'running'),
    );
    await writeFile(join(used.folder, 'go'), '');
    expect((await endsOf(used.engine, { job, name: array.name }, 3)).map(({ end }) => end)).toEqual(
      Array(3).fill('completed'),
    );
    await eventually(async () => (await used.spoolers()).length === 0);
    expect((await readdir(used.queue)).sort()).toEqual(['arrays', 'lock', 'spooler.log']);
    expect(await readFile(join(used.queue, 'spooler.log'), 'utf8')).toBe('');
  });

  it('that is killed takes with it what ran; the next query has the rest run', async () => {
    await using used = await newQueue();
    const pid = join(used.folder, 'pid');
    const script = `echo $$ > ${pid}-$GVA_ELEMENT; [ $GVA_ELEMENT -ge 1 ] || exec sleep 1000`;
    const job = await sent(used.engine, used.array(script, { elements: 3, atOnce: 1 }));
    await eventually(() => there(`${pid}-0`));
    const [spooler] = await used.spoolers();
    process.kill(spooler!, 'SIGKILL');
    const element = Number(await readFile(`${pid}-0`, 'utf8'));
    await eventually(() => !isAlive(element));
    const ends = await endsOf(used.engine, job, 3);
    expect(ends.map(({ end }) => end)).toEqual(['node-failed', 'completed', 'completed']);
    expect(ends[0]?.reason).toContain('killed');
  });

  it('that is told to end has its elements told, and leaves the rest for the next', async () => {
    await using used = await newQueue();
    const mark = join(used.folder, 'mark');
    const script = `trap ': > ${mark}-told; exit 0' TERM; : > ${mark}-$GVA_ELEMENT
      [ $GVA_ELEMENT -ge 1 ] || while :; do sleep 0.05; done`;
    const job = await sent(used.engine, used.array(script, { elements: 2, atOnce: 1 }));
    await eventually(() => there(`${mark}-0`));
    const [spooler] = await used.spoolers();
    process.kill(spooler!, 'SIGTERM');
    await eventually(() => !isAlive(spooler!));
    expect(await there(`${mark}-told`)).toBe(true);
    expect(await there(`${mark}-1`)).toBe(false);
    const ends = await endsOf(used.engine, job, 2);
    expect(ends.map(({ end }) => end)).toEqual(['node-failed', 'completed']);
  });

  it('is one, however many submit at the same moment, and does all they want', async () => {
    await using used = await newQueue();
    const list = join(used.folder, 'list');
    const script = `echo $GVA_JOB >> ${list}`;
    const jobs = await Promise.all(
      Array.from({ length: 12 }, () => sent(used.engine, used.array(script, { elements: 5 }))),
    );
    for (const job of jobs) await endsOf(used.engine, job, 5);
    const ran = (await readFile(list, 'utf8')).trim().split('\n').sort();
    expect(ran).toEqual(
      jobs.flatMap(({ job }) => [0, 1, 2, 3, 4].map((element) => `${job}_${element}`)).sort(),
    );
    expect(await readFile(join(used.queue, 'spooler.log'), 'utf8')).toBe('');
  });

  it('ends what an element leaves behind', async () => {
    await using used = await newQueue();
    const pid = join(used.folder, 'pid');
    const job = await sent(used.engine, used.array(`sleep 1000 & echo $! > ${pid}`));
    await endsOf(used.engine, job, 1);
    const left = Number(await readFile(pid, 'utf8'));
    await eventually(() => !isAlive(left));
  });

  it('begins what came first, and what is big at its turn', async () => {
    await using used = await newQueue();
    const queue = new QueueFolder(used.queue);
    const list = join(used.folder, 'list');
    const add = (word: string, submitted: number, cpus: number, memory: number, elements: number) => {
      const script = `echo ${word} begins >> ${list}; sleep 0.3; echo ${word} ends >> ${list}`;
      const array = used.array(script, { elements, resources: { cpus, memory, seconds: undefined } });
      const environment = { PATH: process.env['PATH'] ?? '' };
      return queue.add({ format: 'gva-local-array/1', submitted, array, environment });
    };
    await add('small', 3, 1, 10, 2);
    await add('first', 1, 2, 10, 1);
    await add('big', 2, 1, 1000, 1);
    await new Spooler(queue, { cpus: 3, memory: 100 }, never).run();
    const lines = (await readFile(list, 'utf8')).trim().split('\n');
    expect(lines.slice(0, 4)).toEqual(['first begins', 'first ends', 'big begins', 'big ends']);
    expect(lines.slice(4).sort()).toEqual(['small begins', 'small begins', 'small ends', 'small ends']);
  });

  it('keeps what ended two weeks long', async () => {
    await using used = await newQueue();
    const [old, recent] = [used.array('exit 0'), used.array('exit 0')];
    for (const array of [old, recent]) await endsOf(used.engine, await sent(used.engine, array), 1);
    await eventually(async () => (await used.spoolers()).length === 0);
    const then = Date.now() / 1000 - 15 * 86_400;
    await utimes(join(used.queue, 'arrays', old.name, 'states.jsonl'), then, then);
    const next = await sent(used.engine, used.array('exit 0'));
    await endsOf(used.engine, next, 1);
    expect(await used.engine.find(old.name)).toEqual([]);
    expect(await used.engine.find(recent.name)).toEqual([recent.name]);
  });

  it('passes over an array that it cannot read, which its own clients are told', async () => {
    await using used = await newQueue();
    await mkdir(join(used.queue, 'arrays/odd'), { recursive: true });
    await writeFile(join(used.queue, 'arrays/odd/array.json'), '{"format":"gva-local-array/99"}');
    const job = await sent(used.engine, used.array('exit 0'));
    await endsOf(used.engine, job, 1);
    await expect(used.engine.poll([{ job: 'odd', name: 'odd' }])).rejects.toMatchObject({
      code: 'GRID_SILENT',
    });
  });

  it('is not put off by half a line of one before it', async () => {
    await using used = await newQueue();
    const array = used.array('exit 0', { elements: 2 });
    const queue = new QueueFolder(used.queue);
    await queue.add({
      format: 'gva-local-array/1',
      submitted: 1,
      array,
      environment: { PATH: '/usr/bin:/bin' },
    });
    const states = join(used.queue, 'arrays', array.name, 'states.jsonl');
    await appendFile(
      states,
      '\n{"element":0,"state":"ended","end":"failed","word":"FAILED"}\n{"element":1,"sta',
    );
    queue.tell(array.name, { element: 0, state: 'ended', end: 'cancelled', word: 'CANCELLED' });
    expect((await queue.states(array.name)).get(0)?.end).toBe('cancelled');
    expect(
      (await endsOf(used.engine, { job: array.name, name: array.name }, 2)).map(({ end }) => end),
    ).toEqual(['cancelled', 'completed']);
  });
});

describe('the engine', () => {
  it('refuses what it could never run, and a second array of a name', async () => {
    await using used = await newQueue();
    const huge = used.array('exit 0', { resources: { cpus: 10_000, memory: 1, seconds: undefined } });
    const refused = { code: 'GRID_REFUSED' };
    await expect(used.engine.submit(huge, never)).rejects.toMatchObject(refused);
    expect(await used.engine.find(huge.name)).toEqual([]);
    const array = used.array('exit 0');
    const job = await sent(used.engine, array);
    await expect(used.engine.submit(array, never)).rejects.toMatchObject(refused);
    expect((await endsOf(used.engine, job, 1))[0]?.end).toBe('completed');
  });

  it('says what it would do', () => {
    const array = arrayOf('/a b', 'exit 0', { elements: 3, atOnce: 2, options: { setup: 'module load x' } });
    expect(new LocalEngine('/nowhere').describe(array))
      .toBe(`# for each GVA_ELEMENT from 0 to 2, 2 at a time, with 1 processors and 32 MiB each;
# what they say goes to '/a b/e0000.log' and so on
cd / || exit
[ ! -r /etc/profile ] || . /etc/profile
{
module load x
} || { echo 'gva: the setup of this site (grid.setup) failed' >&2; exit 78; }
exec /bin/sh -c 'exit 0'
`);
  });

  it('says why its process does not start', async () => {
    await using used = await newQueue();
    await mkdir(join(used.queue, 'arrays'), { recursive: true });
    process.env['NODE_OPTIONS'] = '--require=/no/such/file';
    const array = used.array('exit 0');
    const error = await used.engine.submit(array, never).catch((e: unknown) => e);
    delete process.env['NODE_OPTIONS'];
    expect(error).toMatchObject({ code: 'GRID_SILENT' });
    expect(String(error)).toContain('/no/such/file');
    expect(await used.engine.find(array.name)).toEqual([]);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
