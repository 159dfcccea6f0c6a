import { describe, expect, it } from 'vitest';
import {
  type Element,
  type KnownStep,
  elementsAfter,
  layerKey,
  planSteps,
} from '../../../src/base/recipe/chain.js';
import type { RecipeStep } from '../../../src/base/recipe/recipe.js';

const packages = (...names: string[]): KnownStep => ({ step: { kind: 'packages', names } });
const run = (command: string): KnownStep => ({ step: { kind: 'run', command } });
const copy = (content: string, to = '/opt'): KnownStep => ({
  step: { kind: 'copy', from: 'x', to },
  content,
});

/** What is in the cache when recipes with these steps were built before. */
const built = (...recipes: KnownStep[][]) =>
  recipes.flatMap((steps) =>
    steps.map((_, index) => ({ elements: elementsAfter(steps.slice(0, index + 1)) })),
  );

const summary = (steps: KnownStep[], layers: { elements: readonly Element[] }[]) => {
  const { start, tasks } = planSteps(steps, layers);
  return { start: start?.elements, tasks: tasks.map(({ index, step }) => [index, words(step)]) };
};

const words = (step: RecipeStep) => (step.kind === 'packages' ? step.names.join(' ') : step.kind);
const set = (...names: string[]): Element => ({ kind: 'packages', names });

describe('the elements of a recipe', () => {
  it('are sets where packages follow one another, in whatever order and however divided', () => {
    const together = elementsAfter([packages('a', 'b', 'c')]);
    expect(elementsAfter([packages('c'), packages('b', 'a')])).toEqual(together);
    expect(elementsAfter([packages('a'), packages('a', 'c'), packages('b')])).toEqual(together);
    expect(together).toEqual([set('a', 'b', 'c')]);
  });

  it('are not joined across another step', () => {
    expect(elementsAfter([packages('a'), run('x'), packages('b')]).map(({ kind }) => kind)).toEqual([
      ...['packages', 'run', 'packages'],
    ]);
  });

  it('have the identity of what goes in, and no other', () => {
    const key = (...steps: KnownStep[]) => layerKey('base', elementsAfter(steps));
    expect(key(run('a'))).not.toBe(key(run('b')));
    expect(key(copy('1'))).not.toBe(key(copy('2')));
    expect(key(copy('1', '/a'))).not.toBe(key(copy('1', '/b')));
    expect(key(packages('a'), run('x'))).not.toBe(key(run('x'), packages('a')));
    expect(layerKey('other', elementsAfter([run('a')]))).not.toBe(key(run('a')));
    const patient: KnownStep = { step: { kind: 'run', command: 'a', timeout: 5 } };
    expect(key(patient)).toBe(key(run('a')));
  });
});

describe('planSteps', () => {
  it('begins at the base where nothing fits', () => {
    const layers = built([run('other')], [packages('a', 'z')]);
    expect(summary([packages('a', 'b'), run('x')], layers)).toEqual({
      start: undefined,
      tasks: [
        [0, 'a b'],
        [1, 'run'],
      ],
    });
  });

  it('has nothing to do where all is there', () => {
    const steps = [packages('a'), copy('1'), run('x')];
    expect(summary(steps, built(steps))).toEqual({ start: elementsAfter(steps), tasks: [] });
  });

  it('takes the layer that has the most of the packages and nothing else', () => {
    const layers = built(
      [packages('a')],
      [packages('a', 'c')],
      [packages('a', 'b', 'c', 'z')],
      [packages('b')],
    );
    expect(summary([packages('a', 'b', 'c'), run('x')], layers)).toEqual({
      start: [set('a', 'c')],
      tasks: [
        [0, 'b'],
        [1, 'run'],
      ],
    });
  });

  it('matches packages of several steps as one set, and leaves out steps that are there', () => {
    const layers = built([packages('c', 'a')]);
    expect(summary([packages('a'), packages('b'), packages('c', 'd')], layers)).toEqual({
      start: [set('a', 'c')],
      tasks: [
        [1, 'b'],
        [2, 'd'],
      ],
    });
  });

  it('gives each task the identity of what is there after it', () => {
    const steps = [packages('a'), packages('b', 'c'), run('x')];
    const { tasks } = planSteps(steps, built([packages('c')]));
    expect(tasks.map(({ elements }) => elements)).toEqual([
      [set('a', 'c')],
      [set('a', 'b', 'c')],
      elementsAfter(steps),
    ]);
  });

  it('finds a part of a set behind other steps', () => {
    const layers = built([run('x'), packages('a')], [run('y'), packages('a', 'b')]);
    expect(summary([run('x'), packages('b', 'a'), copy('1')], layers)).toEqual({
      start: [...elementsAfter([run('x')]), set('a')],
      tasks: [
        [1, 'b'],
        [2, 'copy'],
      ],
    });
  });

  it('prefers what is farther on the way to what has more packages', () => {
    const layers = built([packages('a', 'b'), run('x')], [packages('a', 'b'), run('x'), packages('c')]);
    expect(summary([packages('a', 'b'), run('x'), packages('c', 'd', 'e')], layers).tasks).toEqual([
      [2, 'd e'],
    ]);
  });

  it('executes again all that follows a step that has changed', () => {
    const before = [packages('a'), copy('1'), run('x')];
    expect(summary([packages('a'), copy('2'), run('x')], built(before)).tasks).toEqual([
      [1, 'copy'],
      [2, 'run'],
    ]);
  });

  it('takes no layer that has more than is wanted', () => {
    const layers = [{ elements: elementsAfter([packages('a'), run('x')]) }];
    expect(summary([packages('a')], layers)).toEqual({ start: undefined, tasks: [[0, 'a']] });
  });
});
