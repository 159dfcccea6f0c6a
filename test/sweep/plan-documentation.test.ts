import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { readPlan } from '../../src/sweep/plan/plan.js';
import { countPoints } from '../../src/sweep/plan/points.js';
import { packageRoot } from '../../src/system/package.js';
import { temporaryFolder } from '../support/gva.js';

// docs/plans.md: blocks that begin with `name:` are appliances, for the plans below them. A block behind a line with a
// file's name is that file. Every other YAML block below the first appliance is a plan, followed by its number of points.

/** What the plans for each appliance find in their folder. */
const inputs: Record<string, string[]> = {
  demo: [
    ...['tables/common.txt', 'inputs/a.dat', 'inputs/b.dat', 'inputs/c.dat'],
    ...['runs/0.dat', 'runs/1.dat', 'runs/2.dat', 'runs/3.dat'],
  ],
  peers: [
    ...['initial.dat', 'middle.dat', 'ending.dat', 'inputfile'],
    ...Array.from({ length: 150 }, (_, index) => `in.${index}`),
  ],
  wing: ['A320.dat', '737-800.dat', 'wing_test.zip'],
};

interface Block {
  readonly file: string | undefined;
  readonly text: string;
  /** What stands behind the block. */
  readonly after: string;
}

async function blocksOf(page: string): Promise<Block[]> {
  const text = await readFile(join(packageRoot, page), 'utf8');
  const found = text.matchAll(/(?:^`([\w./-]+)`:\n\n)?^```(\w+)\n([^]*?)^```\n\n?(?=([^\n]*))/gm);
  return [...found].flatMap(([, file, language, block = '', after = '']) =>
    language === 'sh' ? [] : [{ file, text: block, after }],
  );
}

async function write(folder: string, name: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), text);
}

it('the plans of docs/plans.md have as many points as the page says', async () => {
  const blocks = await blocksOf('docs/plans.md');
  const start = blocks.findIndex(({ text }) => text.startsWith('name:'));
  const told: string[] = [];
  const counted: string[] = [];
  await using folder = await temporaryFolder();
  let home = '';
  for (const { file, text, after } of blocks.slice(start)) {
    const name = /^name: (\w+)$/m.exec(text)?.[1];
    if (name !== undefined) {
      home = join(folder.path, name);
      for (const input of [...(inputs[name] ?? []), 'appliance/app/job.sh']) await write(home, input, input);
      await write(home, 'appliance/gva.yaml', text);
    } else if (file !== undefined) await write(home, file, text);
    else {
      await write(home, 'plan.yaml', text);
      const { points } = await readPlan(join(home, 'plan.yaml'), { appliance: join(home, 'appliance') });
      told.push(`${text}${/^(\d+) points\b/.exec(after)?.[1] ?? `no number: ${after}`}`);
      counted.push(`${text}${await countPoints(points)}`);
    }
  }
  expect(counted).toEqual(told);
  expect(counted.length).toBeGreaterThan(30);
});

it('the functions that docs/plans.md names are all there are', async () => {
  const { functionTypes } = await import('../../src/sweep/plan/operators.js');
  const text = await readFile(join(packageRoot, 'docs/plans.md'), 'utf8');
  const listed = /the functions ((?:`\w+`,?\s+)*`\w+`)/.exec(text)?.[1] ?? '';
  expect([...listed.matchAll(/`(\w+)`/g)].map(([, name]) => name).sort()).toEqual(
    [...functionTypes.keys()].sort(),
  );
});
