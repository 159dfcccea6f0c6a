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
52|0-38:2%1|0|PENDING||JobArrayTaskLimit|a|b
52|1|0|RUNNING|n1|None|a|b
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

describe('the queue', () => {
  const short = (jobs: string[], text = queue) =>
    parseQueue(text, jobs).map(({ job, element, state, end, node, reason }) =>
      [job, element, state, end, node, reason].map((word) => word ?? '-').join(' '),
    );

  it('elements that ran', () => {
    expect(short(['41'])).toEqual([
      '41 8 ended completed n2 -',
      '41 3 ended failed n2 exit status 7',
      '41 4 ended failed n3 signal 9',
    ]);
  });

  it('a set of them that waits', () => {
    const states = short(['52', '999']);
    expect(states).toHaveLength(21);
    expect(states[0]).toBe('52 0 pending - - JobArrayTaskLimit');
    expect(states[19]).toBe('52 38 pending - - JobArrayTaskLimit');
    expect(states[20]).toBe('52 1 running - n1 -');
  });

  it('every word', () => {
    expect(short(['73'])).toEqual([
      '73 0 ended launch-failed n1 JobLaunchFailure',
      '73 1 ended launch-failed - BadConstraints',
      '73 2 ended time-limit n1 TimeLimit',
      '73 3 ended out-of-memory n2 OutOfMemory',
      '73 4 ended node-failed n2 NodeDown',
      '73 5 ended cancelled n1 -',
      '73 6 ended preempted n1 -',
      '73 7 ended node-failed n1 -',
      '73 8 ended cancelled - DeadLine',
      '73 9 running - n1 -',
      '73 10 pending - n1 -',
      '73 11 running - n1 -',
      '73 12 pending - - launch failed requeued held',
      '73 13 running - n1 -',
      '73 14 ended failed n1 exit status 7',
      '73 15 ended launch-failed n1 JobLaunchFailure',
    ]);
    expect(parseQueue(queue, ['73']).find(({ element }) => element === 4)?.word).toBe('NODE_FAIL');
  });

  it('jobs that are no arrays, and lines that are something else, are passed over', () => {
    const text = `slurm_load_jobs: hello\n41|1\n|||||\n41|x|0|RUNNING|n|None|a\n${queue}`;
    expect(short(['41', '95'], text)).toEqual(short(['41']));
  });

  it('jobs of several clusters', () => {
    const text = `CLUSTER: one\n7|0|0|RUNNING|n1|None|a\n\nCLUSTER: two\n7|0|0|COMPLETED|m1|None|a\n`;
    expect(short(['7;two'], text)).toEqual(['7;two 0 ended completed m1 -']);
    expect(short(['7;one', '7;two'], text)).toEqual([
      '7;one 0 running - n1 -',
      '7;two 0 ended completed m1 -',
    ]);
    expect(short(['7;two'], '7|0|0|COMPLETED|m1|None|a\n')).toEqual(['7;two 0 ended completed m1 -']);
    expect(short(['7;one', '7;two'], '7|0|0|COMPLETED|m1|None|a\n')).toEqual([]);
  });

  it('arrays by their name', () => {
    const text = '3|gva-a\n3|gva-a\n4|gva-a|b\nCLUSTER: two\n5|gva-a\nx|gva-a\n6|gva-aa\n';
    expect(parseNames(text, 'gva-a')).toEqual(['3', '3', '5;two']);
  });

  it('ten thousand elements that ran, with as many of other sweeps', () => {
    const lines = Array.from(
      { length: 20_000 },
      (_, index) => `${100 + (index % 20)}|${Math.floor(index / 20)}|0|COMPLETED|n${index % 7}|None|gva-s-C1`,
    );
    const jobs = Array.from({ length: 10 }, (_, index) => String(100 + index));
    const states = parseQueue(lines.join('\n'), jobs);
    expect(states).toHaveLength(10_000);
    expect(states.at(-1)).toEqual({
      ...{ job: '109', element: 999, state: 'ended', end: 'completed', node: 'n4', word: 'COMPLETED' },
    });
  });
});

it('what accounting says of elements', () => {
  const text = `17_4|CANCELLED by 1000|0:15|n1
17_5|FAILED|7:0|n1
17_6|FAILED|0:53|n1
17_7|OUT_OF_MEMORY|0:125|n2
17_[8-9]|PENDING|0:0|None assigned
17_4.batch|CANCELLED|0:15|n1
18|COMPLETED|0:0|n1
19_0|COMPLETED|0:0|n1
`;
  const told = parseAccounts(text, new Map([['17', '17;one'], ['18', '18']])); // prettier-ignore
  expect(told.map(({ job, element, state, end, node }) => [job, element, end ?? state, node])).toEqual([
    ['17;one', 4, 'cancelled', 'n1'],
    ['17;one', 5, 'failed', 'n1'],
    ['17;one', 6, 'launch-failed', 'n1'],
    ['17;one', 7, 'out-of-memory', 'n2'],
    ['17;one', 8, 'pending', undefined],
    ['17;one', 9, 'pending', undefined],
  ]);
});
