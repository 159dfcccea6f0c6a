import { describe, expect, it } from 'vitest';
import { parseAccounts } from '../../../src/grid/slurm/accounting.js';
import { formatElements, parseElements } from '../../../src/grid/slurm/element-list.js';
import { parseNames, parseQueue } from '../../../src/grid/slurm/queue.js';

describe('sets of elements', () => {
  it.each([
    ['7', [7]],
    ['0-3,7', [0, 1, 2, 3, 7]],
    ['0-3%2', [0, 1, 2, 3]],
    ['[0-6:2%4]', [0, 2, 4, 6]],
    ['5-5', [5]],
    ['3-1', []],
    ['0-2,5...', [0, 1, 2]],
    ['0-2,...%4', [0, 1, 2]],
    ['N/A', undefined],
    ['', undefined],
    ['0-2:0', undefined],
    ['0-99999999999', undefined],
    ['1-2-3', undefined],
    ['a', undefined],
  ])('%s', (text, elements) => {
    expect(parseElements(text)).toEqual(elements);
  });

  it('are written as short as they can be', () => {
    expect(formatElements([9, 3, 1, 2, 2, 7])).toBe('1-3,7,9');
    expect(formatElements([])).toBe('');
    const all = Array.from({ length: 500 }, (_, index) => index * 3 + (index % 2));
    expect(parseElements(formatElements(all))).toEqual(all);
  });
});

/** As squeue 22.05 wrote them, but for the names. */
const queue = `ARRAY_JOB_ID|ARRAY_TASK_ID|EXIT_CODE|STATE|NODELIST|REASON|NAME
41|8|0|COMPLETED|n2|None|a
41|3|1792|FAILED|n2|NonZeroExitCode|a
41|4|9|FAILED|n3|JobLaunchFailure|a
52|0-38:2%1|0|PENDING||JobArrayTaskLimit|b
52|1|0|RUNNING|n1|None|b
73|0|53|FAILED|n1|JobLaunchFailure|c
73|1|0|FAILED||BadConstraints|c
73|2|0|TIMEOUT|n1|TimeLimit|c
73|3|125|OUT_OF_MEMORY|n2|OutOfMemory|c
73|4|0|NODE_FAIL|n2|NodeDown|c
73|5|15|CANCELLED|n1|None|c
73|6|0|PREEMPTED|n1|None|c
73|7|0|BOOT_FAIL|n1|None|c
73|8|0|DEADLINE||DeadLine|c
73|9|0|COMPLETING|n1|None|c
73|10|0|CONFIGURING|n1|None|c
73|11|0|SUSPENDED|n1|None|c
73|12|0|REQUEUE_HOLD|(null)|launch failed requeued held|c
73|13|0|SOMETHING_NEW|n1|None|c
73|14|7:0|FAILED|n1|NonZeroExitCode|c
73|15|0:53|FAILED|n1|JobLaunchFailure|c
95|N/A|0|PENDING||None|q.sh
`;

function submitted(words: string) {
  const [job = '', name = ''] = words.split(' ');
  return { job, name };
}

describe('the queue', () => {
  /** @param arrays such as `41 a`: what sbatch said, and the name */
  const short = (arrays: string[], text = queue) =>
    parseQueue(text, arrays.map(submitted)).map(({ array, element, state, end, node, reason }) =>
      [array, element, state, end, node, reason].map((word) => word ?? '-').join(' '),
    );

  it('elements that ran', () => {
    expect(short(['41 a'])).toEqual([
      'a 8 ended completed n2 -',
      'a 3 ended failed n2 exit status 7',
      'a 4 ended failed n3 signal 9',
    ]);
  });

  it('a set of them that waits', () => {
    const states = short(['52 b', '999 d']);
    expect(states).toHaveLength(21);
    expect(states[0]).toBe('b 0 pending - - JobArrayTaskLimit');
    expect(states[19]).toBe('b 38 pending - - JobArrayTaskLimit');
    expect(states[20]).toBe('b 1 running - n1 -');
  });

  it('every word', () => {
    expect(short(['73 c'])).toEqual([
      'c 0 ended launch-failed n1 JobLaunchFailure',
      'c 1 ended launch-failed - BadConstraints',
      'c 2 ended time-limit n1 TimeLimit',
      'c 3 ended out-of-memory n2 OutOfMemory',
      'c 4 ended node-failed n2 NodeDown',
      'c 5 ended cancelled n1 -',
      'c 6 ended preempted n1 -',
      'c 7 ended node-failed n1 -',
      'c 8 ended cancelled - DeadLine',
      'c 9 running - n1 -',
      'c 10 pending - n1 -',
      'c 11 running - n1 -',
      'c 12 pending - - launch failed requeued held',
      'c 13 running - n1 -',
      'c 14 ended failed n1 exit status 7',
      'c 15 ended launch-failed n1 JobLaunchFailure',
    ]);
    expect(parseQueue(queue, [submitted('73 c')]).find(({ element }) => element === 4)?.word).toBe(
      'NODE_FAIL',
    );
  });

  it('jobs that are no arrays, and lines that are something else, are passed over', () => {
    const text = `slurm_load_jobs: hello\n41|1\n|||||\n41|x|0|RUNNING|n|None|a\n${queue}`;
    expect(short(['41 a', '95 q.sh'], text)).toEqual(short(['41 a']));
  });

  it('jobs of several clusters', () => {
    const text = `CLUSTER: one\n7|0|0|RUNNING|n1|None|a\n\nCLUSTER: two\n7|0|0|COMPLETED|m1|None|b\n`;
    expect(short(['7;two b'], text)).toEqual(['b 0 ended completed m1 -']);
    expect(short(['7;one a', '7;two b'], text)).toEqual(['a 0 running - n1 -', 'b 0 ended completed m1 -']);
    expect(short(['7;two a'], text)).toEqual([]);
    expect(short(['7;two b'], '7|0|0|COMPLETED|m1|None|b\n')).toEqual(['b 0 ended completed m1 -']);
  });

  it('a number that was given to another array: each is known by its name', () => {
    const text = '7|0-1|0|PENDING||None|gva-b\n7|2|0|RUNNING|n1|None|x|gva-b\n8|0|0|RUNNING|n1|None|gva-a\n';
    expect(short(['7 gva-a'], text)).toEqual([]);
    expect(short(['7 gva-a', '7 gva-c'], text)).toEqual([]);
    const both = short(['7 gva-a', '7 gva-b'], text.split('\n', 1)[0]);
    expect(both).toEqual(['gva-b 0 pending - - -', 'gva-b 1 pending - - -']);
  });

  it('arrays by their name', () => {
    const text = '3|gva-a\n3|gva-a\n4|gva-a|b\nCLUSTER: two\n5|gva-a\nx|gva-a\n6|gva-aa\n';
    expect(parseNames(text, 'gva-a')).toEqual(['3', '3', '5;two']);
  });

  it('ten thousand elements that ran, with as many of other sweeps', () => {
    const lines = Array.from(
      { length: 20_000 },
      (_, index) =>
        `${100 + (index % 20)}|${Math.floor(index / 20)}|0|COMPLETED|n${index % 7}|None|gva-s-${index % 20}`,
    );
    const arrays = Array.from({ length: 10 }, (_, index) => submitted(`${100 + index} gva-s-${index}`));
    const states = parseQueue(lines.join('\n'), arrays);
    expect(states).toHaveLength(10_000);
    expect(states.at(-1)).toEqual({
      ...{ array: 'gva-s-9', element: 999, state: 'ended', end: 'completed', node: 'n4', word: 'COMPLETED' },
    });
  });
});

it('what accounting says of elements', () => {
  const text = `17_4|CANCELLED by 1000|0:15|n1|a
17_5|FAILED|7:0|n1|a
17_6|FAILED|0:53|n1|a
17_7|OUT_OF_MEMORY|0:125|n2|a
17_7|COMPLETED|0:0|n2|another
17_[8-9]|PENDING|0:0|None assigned|a
17_4.batch|CANCELLED|0:15|n1|batch
18|COMPLETED|0:0|n1|b
19_0|COMPLETED|0:0|n1|a
`;
  const told = parseAccounts(text, [submitted('17;one a'), submitted('18 b')]);
  expect(told.map(({ array, element, state, end, node }) => [array, element, end ?? state, node])).toEqual([
    ['a', 4, 'cancelled', 'n1'],
    ['a', 5, 'failed', 'n1'],
    ['a', 6, 'launch-failed', 'n1'],
    ['a', 7, 'out-of-memory', 'n2'],
    ['a', 8, 'pending', undefined],
    ['a', 9, 'pending', undefined],
  ]);
});
