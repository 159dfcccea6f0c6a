import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nimrodText } from '../../src/cli/nimrod-view.js';
import { isNimrodPlan } from '../../src/sweep/plan/nimrod/tokens.js';
import { type PlanOutline, outlinePlan, readPlan } from '../../src/sweep/plan/plan.js';
import { type PlanFolder, makePlanFolder, valuesOf } from './plan-fixture.js';

let home: PlanFolder;
beforeAll(async () => {
  home = await makePlanFolder();
  for (const name of ['skel.txt', 'skel.dat', 'A320.dat', 'A330.dat', 'in.1', 'in.2'])
    await home.write(name, name);
});
afterAll(() => home[Symbol.asyncDispose]());

const outline = async (text: string): Promise<PlanOutline> => outlinePlan(await home.write('e.pln', text));

async function rows(text: string, ...names: string[]): Promise<unknown[][]> {
  return [...(await outline(text)).points.points()].map(({ parameters }) => valuesOf(parameters, names));
}

async function mistakes(text: string): Promise<string[]> {
  const path = await home.write('e.pln', text);
  try {
    await outlinePlan(path);
  } catch (error) {
    expect(error).toMatchObject({ code: 'PLAN_INVALID' });
    return (error as Error).message.replaceAll(`${path}:`, '').replaceAll(`${home.folder}/`, '').split('\n');
  }
  throw new Error('the plan has no mistakes');
}

/** A task with these commands. */
const task = (...lines: string[]) =>
  `parameter n integer range from 1 to 2\ntask main\n${lines.join('\n')}\nendtask\n`;

describe('parameters', () => {
  test.each([
    ['x float range from 0 to 1 step 0.25', [0, 0.25, 0.5, 0.75, 1]],
    ['x float range from 0 to 1 points 3;', [0, 0.5, 1]],
    ['x integer range from 1 to 4', [1, 2, 3, 4]],
    ['x integer range from 5 to 5 points 1', [5]],
    ['x integer range from -2 to +2 step 2', [-2, 0, 2]],
    ['x label "A label" integer select anyof 1 3 5;', [1, 3, 5]],
    ['x integer label "A label" select anyof 1 3 5 default 3 5', [3, 5]],
    ['x text select oneof "a" "b c" default "b c"', ['b c']],
    ['x text select oneof "a" "b"', ['a']],
    ['x text "say \\"hi\\""', ['say "hi"']],
    ['x float default 2.5', [2.5]],
    ['x integer 7 // a comment', [7]],
    ['x integer /* a\n comment */ select anyof 1\n 2', [1, 2]],
    ['x files select anyof "A3??.dat" "skel.*"', ['A320.dat', 'A330.dat', 'skel.dat', 'skel.txt']],
  ])('parameter %s', async (text, expected) => {
    expect((await rows(`parameter ${text}\n`, 'x')).flat()).toEqual(expected);
  });

  test('are crossed, the first changing slowest', async () => {
    const text =
      '# an experiment\nparameter a integer range from 1 to 2;\nparameter b text select anyof "x" "y";\n';
    expect(await rows(text, 'a', 'b')).toEqual([
      [1, 'x'],
      [1, 'y'],
      [2, 'x'],
      [2, 'y'],
    ]);
  });

  test('random ones are the same every time, and different by name', async () => {
    const text =
      'parameter a float random from 0 to 1 points 3\nparameter b float random from 0 to 1 points 3\n';
    const found = await rows(text, 'a', 'b');
    expect(found).toHaveLength(9);
    expect(await rows(text, 'a', 'b')).toEqual(found);
    expect(found[0]?.[0]).not.toBe(found[0]?.[1]);
  });

  test('are held against the appliance, where there is one', async () => {
    const path = await home.write(
      'e.pln',
      'parameter n integer range from 1 to 3\nparameter mode text select anyof "1" "2"\n',
    );
    const plan = await readPlan(path, { appliance: join(home.folder, 'square') });
    expect([plan.points.count, plan.points.names.length]).toEqual([6n, 8]);
    const bad = await home.write(
      'bad.pln',
      'parameter n float range from 1 to 3 step 0.5\nparameter k text "a"\n',
    );
    expect(await home.mistakesOf(bad, join(home.folder, 'square'))).toEqual([
      '1:11: n.range.2: must be an integer, not 0.5',
      '2:11: k: square has no such parameter; its parameters: n, m, x, y, mode, odd, flag, seed',
    ]);
    await expect(readPlan(path)).rejects.toMatchObject({ code: 'APPLIANCE_MISSING' });
  });

  test('a file is told to be a Nimrod plan by its first statement', () => {
    expect(isNimrodPlan('// x\n\nparameter x integer 1\n')).toBe(true);
    expect(isNimrodPlan('/* x\n */ task main\n')).toBe(true);
    expect(
      ['parameters:\n  n: 1', 'parameter: 1', 'appliance: x\n', '', 'task: main'].map(isNimrodPlan),
    ).toEqual(Array(5).fill(false));
  });
});

describe('tasks', () => {
  test('copied files are those of the points', async () => {
    const { points, files } = await outline(
      task(
        'copy root:skel.* node:.',
        'copy in.${jobindex} node:input',
        'copy skel.txt node:sub/',
        'copy root:in.$n node:./n.dat',
      ),
    );
    const names = async (index: number) => {
      const [point] = points.points(index);
      return (await files.of(point!)).map(
        ({ name, source }) => `${name} ${source.slice(home.folder.length + 1)}`,
      );
    };
    const common = ['skel.dat skel.dat', 'skel.txt skel.txt', 'sub/skel.txt skel.txt'];
    expect(await names(0)).toEqual([...common, 'input in.1', 'n.dat in.1']);
    expect(await names(1)).toEqual([...common, 'input in.2', 'n.dat in.2']);
  });

  test('commands are shown as the run of an appliance', async () => {
    const plan = await outline(
      `${task(
        'copy skel.txt node:input',
        'onerror ignore',
        'node:execute ./prepare ${n} \\\n   --fast',
        'onerror fail',
        'redirect stdout append to log',
        'redirect stderr to errors',
        'exec ./model /* all of it */ $n',
        'redirect stdout off',
        'shexec "./post \\"${n}\\" > out.${jobname}"',
        'copy node:out.${jobname} root:out.${jobname}',
      )}task nodestart\nexecute ./once\nendtask\n`,
    );
    expect(plan.task?.commands).toEqual([
      './once',
      '{ ./prepare ${n} --fast || true; }',
      './model                 $n >> log 2> errors',
      './post "${n}" > out.${jobname}  2> errors',
    ]);
    expect(plan.task?.results).toEqual(['out.${jobname}']);
    expect(nimrodText(plan, plan.task!)).toContain('    cp -r "/cdrom/input" . &&\n    ./once &&\n');
    expect(plan.notes()).toHaveLength(2);
  });

  test.each([
    ['substitute skel.txt node:x', '3:1: substitute is not done by GVA'],
    ['node:substitute skel.txt x', '3:1: substitute is not done by GVA'],
    ['root:execute ls', '3:1: root:execute runs on your own machine'],
    ['lexec /bin/ls ls', '3:1: unknown command "lexec"'],
    ['copy a', '3:1: must be copy FROM TO'],
    ['copy a b', '3:1: must be copy FILE node:NAME, or copy node:FILE NAME'],
    ['copy node:a node:b', '3:1: must be copy FILE node:NAME'],
    ['copy root:none node:.', '3:6: cannot read the file none: ENOENT'],
    ['copy root:none.* node:.', '3:6: no file matches none.*'],
    ['copy root:*.$n node:.', '3:6: a pattern with a parameter in it cannot be copied'],
    ['copy root:in.$k node:.', '3:6: has {k} in it'],
    ['onerror retry', '3:9: must be onerror fail or onerror ignore'],
    ['redirect stdin off', '3:1: must be redirect stdout or redirect stderr'],
    ['redirect stdout', '3:1: must be redirect stdout to FILE, append to FILE, or off'],
    ['execute', '3:1: must have a command'],
  ])('%s is refused, with the reason', async (line, expected) => {
    expect((await mistakes(task(line)))[0]).toContain(expected);
  });
});

describe('mistakes', () => {
  test('are told all at once, with their places', async () => {
    const text = `parameter 1x integer range from 1 to 2
parameter a complex 3
parameter b integer range from 1 to
parameter c text range from 1 to 2
parameter d integer select allof 1 2
parameter e integer
parameter f integer select anyof 1 x
parameter g float random from 0 to 1 step 2
parameter h integer range from 1 to 5 step 0
parameter h integer 1 2
parameter i files select anyof "none*"
task rootstart
endtask
jobs
1 2
endjobs
`;
    expect(await mistakes(text)).toEqual([
      '1:11: a name is up to 64 letters, digits and "_"',
      '2:13: the type of a must be integer, float, text, files',
      '3:21: b: must be range from A to B [step S | points N]',
      '4:18: c: range is for integer and float',
      '5:21: d: must be select anyof or select oneof',
      '6:13: e: has no values',
      '7:11: f.1: must be an integer, not "x"',
      '8:19: g: must be random from A to B [points N]',
      '9:11: h.range.2: the step must not be 0',
      '10:21: h: must have one value',
      '11:11: i.matching.0: no file matches none*',
      '12:6: task rootstart runs on your own machine, which GVA does not do: run it before or after the sweep',
      '14:1: jobs: this is a run file, made from a plan by Nimrod; give the plan, or a table of the jobs',
    ]);
    expect(await mistakes('parameter a integer 1\nparameter a integer 2\ntask main\nexecute ls\n')).toEqual([
      '2:11: parameter a is there twice',
      '3:1: the task has no endtask',
    ]);
    expect(await mistakes('parameter a integer 1\nfoo bar\n')).toEqual(['1:21: a: must have one value']);
  });

  test('what has no meaning is noted', async () => {
    const plan = await outline('parameter a integer 1\nresult obj\nprops\nncpus 4\nendprops\n');
    expect(plan.notes()).toEqual([
      'result obj is left out: all that is left in /output comes home',
      'props is left out: what an instance gets is said in gva.yaml, hardware',
    ]);
  });
});
