import { describe, expect, it } from 'vitest';
import { GuestAnswers, relativeSpeeds } from '../../../src/vmm/doctor/answers.js';

function answersTo(...lines: string[]): GuestAnswers {
  const answers = new GuestAnswers();
  for (const line of lines) answers.take(line);
  return answers;
}

const start = '@doctor1 start';

describe('answers of the guest', () => {
  it('are units of work per second', () => {
    const answers = answersTo(
      'SeaBIOS\x1b[2JBooting from ROM..@doctor1 start',
      '@doctor1 speed test=integer count=160001 cs=25',
      'noise',
      '@doctor1 speed test=fork count=30 cs=60',
      '@doctor1 end',
    );
    expect(answers).toMatchObject({ started: true, ended: true });
    expect(answers.speeds).toEqual({ integer: 640004, fork: 50 });
  });

  it('count once: the first', () => {
    const answers = answersTo(
      start,
      '@doctor1 speed test=float count=100 cs=100',
      '@doctor1 speed test=float count=999 cs=1',
    );
    expect(answers.speeds).toEqual({ float: 100 });
  });

  it('before the start, or without it, are none', () => {
    const answers = answersTo('@doctor1 speed test=float count=100 cs=100', '@doctor1 end');
    expect(answers).toMatchObject({ started: false, ended: false, speeds: {} });
  });

  it.each([
    'test=float count=100 cs=0',
    'test=float count=0 cs=5',
    'test=float count=-5 cs=5',
    'test=float count=1e9 cs=5',
    `test=float count=${'9'.repeat(400)} cs=5`,
    'test=float count=NaN cs=5',
    'test=float count=5',
    'test=__proto__ count=5 cs=5',
    'test=constructor count=5 cs=5',
    'test=unknown count=5 cs=5',
    'test=float count=5 cs=5 more',
    '',
  ])('that make no sense are none: %s', (text) => {
    expect(answersTo(start, `@doctor1 speed ${text}`).speeds).toEqual({});
  });

  it('of other versions and of others are none', () => {
    const answers = answersTo('@doctor2 start', '@doctor1 started', '@doctor1', '@gva1 boot', '\0\0\xff');
    expect(answers).toMatchObject({ started: false, ended: false });
  });
});

it('speeds are compared where both are known', () => {
  expect(relativeSpeeds({ integer: 50, fork: 2 }, { integer: 100, float: 5 })).toEqual({ integer: 0.5 });
  expect(relativeSpeeds({}, {})).toEqual({});
});
