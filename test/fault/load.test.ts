import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/system/package.js';

// Everything that may leak is counted before and after. GVA_LONG: as much as the project promises.
const [points, inRow, atOnce] = process.env['GVA_LONG'] ? [10_000, 200, 24] : [400, 3, 6];

async function soak(...args: string[]): Promise<unknown> {
  const program = join(packageRoot, 'dist/bench/soak.js');
  const said = await new Promise<string>((resolve) => {
    execFile(process.execPath, [program, '--once', ...args], (_, stdout, stderr) =>
      resolve(stdout || stderr),
    );
  });
  // A test that fails shows what was said.
  return said.startsWith('{') ? JSON.parse(said) : said;
}

const nothingLeft = { problems: [], processes: 0 };

test(`a sweep of ${points} points with 64 fake guests at once`, { timeout: 1_800_000 }, async () => {
  const said = await soak('--points', String(points), '--at-once', '64', '--guests', '0');
  expect(said).toMatchObject({ ...nothingLeft, mostAtOnce: 64 });
});

test(`${inRow} real guests one after the other`, { timeout: 1_800_000 }, async () => {
  const said = await soak('--points', '0', '--guests', String(inRow));
  expect(said).toMatchObject({ ...nothingLeft, guestsAtOnce: 1 });
});

test(`${atOnce} real guests at once`, { timeout: 1_800_000 }, async () => {
  const seconds = process.env['GVA_LONG'] ? '60' : '20';
  const said = await soak(
    ...['--points', '0', '--guests', String(atOnce), '--guests-at-once', String(atOnce)],
    ...['--guest-seconds', seconds],
  );
  expect(said).toMatchObject({ ...nothingLeft, guestsAtOnce: atOnce });
});
