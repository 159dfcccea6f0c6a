import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/system/package.js';

// GVA_LONG: for ten minutes. For longer: npm run soak -- --minutes 600
const minutes = process.env['GVA_LONG'] ? 10 : 0;

test(
  `sweeps one after the other${minutes > 0 ? `, for ${minutes} minutes` : ''}: nothing is left over, all results are right`,
  { timeout: (minutes + 20) * 60_000 },
  async () => {
    const args = ['--minutes', String(minutes), '--points', '64', '--at-once', '64', '--guests', '1'];
    const said = await new Promise<string>((resolve) => {
      execFile(process.execPath, [join(packageRoot, 'dist/bench/soak.js'), ...args], (_, stdout, stderr) =>
        resolve(stdout || stderr),
      );
    });
    expect(JSON.parse(said)).toMatchObject({ problems: [], mostAtOnce: 64, processes: 0 });
  },
);
