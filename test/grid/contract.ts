import { access, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  type ElementState,
  type GridEngine,
  type JobArray,
  type SubmittedArray,
  elementLog,
  elementVariables,
} from '../../src/grid/engine.js';
import { eventually, temporaryFolder } from '../support/gva.js';

/** Nobody takes it back. */
export const never = new AbortController().signal;

let counter = 0;
/** A name that no array of this or another run of the tests has. */
export const uniqueName = () =>
  `gva-test-${process.pid.toString(36)}-${Date.now().toString(36)}-${counter++}`;

/** An array whose elements run this shell script, with what `change` says instead. */
export function arrayOf(folder: string, script: string, change: Partial<JobArray> = {}): JobArray {
  return {
    name: uniqueName(),
    elements: 1,
    command: ['/bin/sh', '-c', script],
    logs: folder,
    resources: { cpus: 1, memory: 32 << 20, seconds: undefined },
    exclude: [],
    options: {},
    ...change,
  };
}

export async function sent(engine: GridEngine, array: JobArray): Promise<SubmittedArray> {
  return { job: await engine.submit(array, never), name: array.name };
}

/** The states of an array's elements, by number, as soon as all have ended. */
export async function endsOf(
  engine: GridEngine,
  array: SubmittedArray,
  elements: number,
): Promise<ElementState[]> {
  let states: readonly ElementState[] = [];
  await eventually(async () => {
    states = await engine.poll([array], never);
    return states.filter(({ state }) => state === 'ended').length >= elements;
  });
  return [...states].sort((a, b) => a.element - b.element);
}

/** No grid has one of that name. */
const unknown = (job: string): SubmittedArray => ({ job, name: uniqueName() });

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/** The contract of a grid engine (src/grid/engine.ts): every engine passes it, on a grid with two processors or more. */
export function gridContract(subject: () => Promise<GridEngine>): void {
  async function run(array: JobArray): Promise<{ job: string; ends: ElementState[] }> {
    const engine = await subject();
    const submitted = await sent(engine, array);
    return { job: submitted.job, ends: await endsOf(engine, submitted, array.elements) };
  }
  const log = (folder: string, element = 0) => readFile(join(folder, elementLog(element)), 'utf8');

  it('ten elements: each with its number, its end and its log', async () => {
    await using folder = await temporaryFolder();
    const script =
      'echo I am $GVA_ELEMENT; [ $GVA_ELEMENT -ne 3 ] || exit 7; [ $GVA_ELEMENT -ne 4 ] || kill -KILL $$';
    const array = arrayOf(folder.path, script, { elements: 10 });
    const { ends } = await run(array);
    expect(ends.map((state) => [state.array, state.element, state.state, state.end])).toEqual(
      Array.from({ length: 10 }, (_, element) => [
        ...[array.name, element, 'ended', element === 3 || element === 4 ? 'failed' : 'completed'],
      ]),
    );
    for (const { node } of ends) expect(node).toMatch(/./);
    for (let element = 0; element < 10; element++)
      expect(await log(folder.path, element)).toContain(`I am ${element}\n`);
  });

  it('an array begins when those before it have ended, in whatever way', async () => {
    await using folder = await temporaryFolder();
    const engine = await subject();
    const go = join(folder.path, 'go');
    const script = `while [ ! -e ${go} ]; do sleep 0.05; done; echo $GVA_ELEMENT >> ${go}; exit $GVA_ELEMENT`;
    const first = await sent(engine, arrayOf(folder.path, script, { elements: 2 }));
    const last = await mkdtemp(join(folder.path, 'last-'));
    const behind = arrayOf(last, `grep -c . ${go}`, { after: [first.job] });
    const job = await sent(engine, behind);
    expect(await engine.poll([job], never)).toMatchObject([{ state: 'pending' }]);
    await writeFile(go, '');
    expect(await endsOf(engine, job, 1)).toMatchObject([{ end: 'completed' }]);
    expect(await log(last)).toBe('2\n');
  });

  it('an array of one element, asked for together with others', async () => {
    await using folder = await temporaryFolder();
    const engine = await subject();
    const jobs = [
      await sent(engine, arrayOf(folder.path, 'exit 0')),
      await sent(engine, arrayOf(folder.path, 'exit 1', { elements: 2 })),
    ];
    expect(new Set(jobs.map(({ job }) => job)).size).toBe(2);
    await endsOf(engine, jobs[0]!, 1);
    await endsOf(engine, jobs[1]!, 2);
    const states = await engine.poll([...jobs, unknown('no-such-job'), unknown('999999')], never);
    const names = jobs.map(({ name }) => name);
    const told = states.map(({ array, element, end }) => `${names.indexOf(array)} ${element} ${end}`);
    expect(told.sort()).toEqual(['0 0 completed', '1 0 failed', '1 1 failed']);
  });

  it('of arrays that the grid does not know, nothing is said', async () => {
    const engine = await subject();
    expect(await engine.poll([], never)).toEqual([]);
    expect(await engine.poll([unknown('999999')], never)).toEqual([]);
    expect(await engine.find(uniqueName(), never)).toEqual([]);
    expect(await engine.recall([unknown('999999')], never)).toEqual([]);
    await engine.cancel(unknown('999999'), undefined, never);
    await engine.cancel(unknown('999999'), [0, 1], never);
  });

  it('an array that has the number of another one, which the grid has forgotten, is not taken for that', async () => {
    await using folder = await temporaryFolder();
    const engine = await subject();
    const array = await sent(engine, arrayOf(folder.path, 'sleep 300', { elements: 2 }));
    const forgotten = unknown(array.job);
    expect(await engine.poll([forgotten], never)).toEqual([]);
    await engine.cancel(forgotten, undefined, never);
    await engine.cancel(forgotten, [0, 1], never);
    const both = await engine.poll([forgotten, array], never);
    expect(both.map(({ array: name, element, end }) => [name, element, end])).toEqual([
      [array.name, 0, undefined],
      [array.name, 1, undefined],
    ]);
    await engine.cancel(array, undefined, never);
    await endsOf(engine, array, 2);
  });

  it('limits', async () => {
    const { elements, jobs } = await (await subject()).limits(never);
    expect(elements).toBeGreaterThanOrEqual(10);
    if (jobs !== undefined) expect(jobs).toBeGreaterThan(0);
  });

  it('an array is found by its name, and by no part of it, by another client too', async () => {
    await using folder = await temporaryFolder();
    const array = arrayOf(folder.path, 'sleep 300', { elements: 2 });
    const job = await sent(await subject(), array);
    const other = await subject();
    expect(await other.find(array.name, never)).toEqual([job.job]);
    expect(await other.find(array.name.slice(0, -1), never)).toEqual([]);
    await other.cancel(job, undefined, never);
    expect((await endsOf(other, job, 2)).map(({ end }) => end)).toEqual(['cancelled', 'cancelled']);
    expect(await other.find(array.name, never)).toEqual([job.job]);
  });

  it('one element is ended: TERM comes to its command, which can act on it; the others go on', async () => {
    await using folder = await temporaryFolder();
    const mark = join(folder.path, 'mark');
    const script = `trap 'echo told to end; : > ${mark}-$GVA_ELEMENT-ended; exit 0' TERM
      : > ${mark}-$GVA_ELEMENT; while [ ! -e ${mark}-go ]; do sleep 0.1; done`;
    const engine = await subject();
    const job = await sent(engine, arrayOf(folder.path, script, { elements: 2 }));
    await eventually(async () => (await exists(`${mark}-0`)) && (await exists(`${mark}-1`)));
    await engine.cancel(job, [1], never);
    await eventually(() => exists(`${mark}-1-ended`));
    await writeFile(`${mark}-go`, '');
    const ends = await endsOf(engine, job, 2);
    expect(ends.map(({ end }) => end)).toEqual(['completed', 'cancelled']);
    expect(await log(folder.path, 1)).toContain('told to end');
    // Of what has ended, nothing is said.
    await engine.cancel(job, [0, 1], never);
    await engine.cancel(job, undefined, never);
    expect(await endsOf(engine, job, 2)).toEqual(ends);
  });

  it('an element that does not heed TERM is killed', async () => {
    await using folder = await temporaryFolder();
    const mark = join(folder.path, 'mark');
    const engine = await subject();
    const script = `trap '' TERM; : > ${mark}; while :; do sleep 1; done`;
    const job = await sent(engine, arrayOf(folder.path, script));
    await eventually(() => exists(mark));
    expect(await engine.poll([job], never)).toMatchObject([{ element: 0, state: 'running' }]);
    await engine.cancel(job, undefined, never);
    expect((await endsOf(engine, job, 1))[0]).toMatchObject({ end: 'cancelled' });
  });

  it('elements that wait for their turn are spoken of one by one, and can be ended', async () => {
    await using folder = await temporaryFolder();
    const mark = join(folder.path, 'mark');
    const script = `: > ${mark}-$GVA_ELEMENT; while [ ! -e ${mark}-go ]; do sleep 0.1; done`;
    const engine = await subject();
    const array = arrayOf(folder.path, script, { elements: 40, atOnce: 1 });
    const job = await sent(engine, array);
    await eventually(() => exists(`${mark}-0`));
    const waiting = (await engine.poll([job], never)).filter(({ state }) => state === 'pending');
    expect(waiting.map(({ element }) => element).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 39 }, (_, index) => index + 1),
    );
    for (const { node } of waiting) expect(node).toBeUndefined();
    const odd = waiting.map(({ element }) => element).filter((element) => element % 2 === 1);
    // What is ended before it ran may not be spoken of at all.
    const left = async () => (await engine.poll([job], never)).filter(({ end }) => end !== 'cancelled');
    await engine.cancel(job, odd, never);
    await eventually(async () => (await left()).every(({ element }) => element % 2 === 0));
    const even = (await left()).map(({ element }) => element).sort((a, b) => a - b);
    expect(even).toEqual(Array.from({ length: 20 }, (_, index) => 2 * index));
    await engine.cancel(job, undefined, never);
    await eventually(async () => (await left()).length === 0);
    expect((await exists(`${mark}-1`)) || (await exists(`${mark}-2`))).toBe(false);
  });

  it('no more elements run at once than was said', async () => {
    await using folder = await temporaryFolder();
    const list = join(folder.path, 'list');
    const script = `echo + >> ${list}; sleep 0.3; echo - >> ${list}`;
    await run(arrayOf(folder.path, script, { elements: 5, atOnce: 1 }));
    expect(await readFile(list, 'utf8')).toBe('+\n-\n'.repeat(5));
  });

  it('names with blanks, quotes, newlines, percent signs and backslashes', async () => {
    for (const odd of [`a b'c"d $(e) %a%%e%j\nf;ü*`, `back\\slash %a 'n "d\nf`]) {
      await using folder = await temporaryFolder();
      const logs = join(folder.path, odd);
      await mkdir(logs);
      const words = [odd, '', '-n', `'`, '\\', '%a', '$HOME', 'a\nb'];
      const array = arrayOf(logs, 'printf "<%s>" "$@"', { elements: 2 });
      await run({ ...array, command: [...array.command, 'sh', ...words] });
      for (const element of [0, 1])
        expect(await log(logs, element)).toBe(words.map((word) => `<${word}>`).join(''));
    }
  });

  it('what an element finds: its variables, the folder /, and nothing of who submitted it', async () => {
    await using folder = await temporaryFolder();
    process.env['GVA_TEST_SECRET'] = 'secret';
    const script = `for name in ${elementVariables.join(' ')} GVA_TEST_SECRET; do eval "echo $name=\\$$name"; done; pwd`;
    const resources = { cpus: 2, memory: 64 << 20, seconds: 3600 };
    const { job, ends } = await run(arrayOf(folder.path, script, { elements: 2, resources }));
    delete process.env['GVA_TEST_SECRET'];
    expect((await log(folder.path, 1)).trimEnd().split('\n')).toEqual([
      ...['GVA_ELEMENT=1', `GVA_JOB=${job}_1`, `GVA_NODE=${ends[1]?.node}`, 'GVA_RESTARTS=0', 'GVA_CPUS=2'],
      ...[`GVA_MEMORY=${64 << 20}`, 'GVA_TEST_SECRET=', '/'],
    ]);
  });

  it('what a log has already stays', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, elementLog(0)), 'before\n');
    await run(arrayOf(folder.path, 'echo after; echo and this >&2'));
    expect(await log(folder.path)).toBe('before\nafter\nand this\n');
  });

  it('a program that is not there: the element fails, and its log says why', async () => {
    await using folder = await temporaryFolder();
    const { ends } = await run(arrayOf(folder.path, '', { command: ['/no/such program'] }));
    expect(ends[0]).toMatchObject({ end: 'failed' });
    expect(await log(folder.path)).toContain('/no/such program');
  });

  it('a folder of logs that is not there: nothing is run, and that is no failure of the program', async () => {
    await using folder = await temporaryFolder();
    const mark = join(folder.path, 'mark');
    const array = arrayOf(join(folder.path, 'none'), `: > ${mark}`, { elements: 2 });
    const { ends } = await run(array);
    expect(ends.map(({ end }) => end)).toEqual(['launch-failed', 'launch-failed']);
    expect(await exists(mark)).toBe(false);
  });

  it('what the site needs first is done first, in the same shell', async () => {
    await using folder = await temporaryFolder();
    const setup = 'MADE=$GVA_ELEMENT\nexport MADE';
    await run(arrayOf(folder.path, 'echo made: $MADE', { options: { setup } }));
    expect(await log(folder.path)).toBe('made: 0\n');
  });

  it('where that fails, the program is not run', async () => {
    await using folder = await temporaryFolder();
    const options = { setup: 'echo no such module >&2; false' };
    const { ends } = await run(arrayOf(folder.path, 'echo run anyway', { options }));
    expect(ends[0]).toMatchObject({ end: 'failed' });
    expect(await log(folder.path)).toMatch(/^no such module\n.*setup/);
    expect(await log(folder.path)).not.toContain('run anyway');
  });

  it('an element that takes too long is told to end, and that was why', async () => {
    await using folder = await temporaryFolder();
    const script = `trap 'echo told to end; exit 0' TERM; while :; do sleep 0.1; done`;
    const resources = { cpus: 1, memory: 32 << 20, seconds: 1 };
    const { ends } = await run(arrayOf(folder.path, script, { resources }));
    expect(ends[0]).toMatchObject({ end: 'time-limit' });
    expect(await log(folder.path)).toContain('told to end');
  });

  it('who has changed their mind submits nothing', async () => {
    await using folder = await temporaryFolder();
    const engine = await subject();
    const array = arrayOf(folder.path, 'exit 0');
    const gone = AbortSignal.abort(new Error('changed my mind'));
    await expect(engine.submit(array, gone)).rejects.toThrow('changed my mind');
    expect(await engine.find(array.name, never)).toEqual([]);
  });

  it('what would be submitted has the command in it, and is submitted by nobody', async () => {
    const engine = await subject();
    const array = arrayOf('/somewhere', 'echo this very command');
    expect(engine.describe(array)).toContain("exec /bin/sh -c 'echo this very command'");
    expect(await engine.find(array.name, never)).toEqual([]);
  });
}
