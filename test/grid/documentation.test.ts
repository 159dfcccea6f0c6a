import { expect, it } from 'vitest';
import { type Rule, rules } from '../../src/grid/classify.js';
import { readDocument } from '../support/documentation.js';

const blames: Readonly<Record<string, number>> = { '0': 0, '1/3': 1 / 3, '1': 1 };

function ruleOf(cells: readonly string[]): Rule {
  const [, told = '', blame = '', node, grows = '', then] = cells;
  const growing = grows.replaceAll('`', '');
  return {
    told,
    blame: blames[blame] ?? NaN,
    avoidNode: node === 'avoided',
    ...(growing === '' ? {} : { grows: growing as 'memory' | 'time' }),
    then: then as Rule['then'],
  };
}

it('docs/grid.md has the rules of retrying as they are', async () => {
  const [, section = ''] = (await readDocument('docs/grid.md')).split('## When something fails\n');
  const rows = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| `'));
  const told = rows.map((row) => {
    const cells = row.split('|').map((cell) => cell.trim());
    return [(cells[1] ?? '').replaceAll('`', ''), ruleOf(cells.slice(1, -1))];
  });
  expect(Object.fromEntries(told)).toEqual(rules);
});
