import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { watchMachine } from '../../src/instance/watch.js';

// A guest that is not heard of any more (`heartbeat-limit:` of gva.yaml).

/** A machine that says these lines, in turn with pauses in milliseconds, and then nothing until it is killed. */
function machine(says: readonly (string | number)[], ends = false) {
  let kill: () => void = () => undefined;
  let tell: () => void = () => undefined;
  const said = new Promise<void>((resolve) => (tell = resolve));
  const killed = new Promise<void>((resolve) => (kill = resolve));
  async function* lines(): AsyncGenerator<string> {
    for (const each of says)
      if (typeof each === 'number') await sleep(each);
      else yield `@gva1 ${each} t=1`;
    tell();
    if (!ends) await killed;
  }
  return {
    lines: lines(),
    exited: killed.then(() => ({ status: 137, stderr: '' })),
    kill: () => kill(),
    said,
  };
}

const limits = { boot: 60, total: undefined, powerOff: 60 };
const watch = async (says: readonly (string | number)[], silence?: number, ends = false) => {
  const one = machine(says, ends);
  const all = silence === undefined ? limits : { ...limits, silence };
  const watched = watchMachine(one, all, () => undefined, new AbortController().signal);
  if (ends) void one.said.then(one.kill);
  return (await watched).ended;
};

describe('a guest with a limit for its silence', () => {
  it('is ended when nothing comes any more', async () => {
    expect(await watch(['boot', 'ready', 'script-start'], 0.05)).toBe('silent');
  });

  it('goes on while anything comes, and a second after that', async () => {
    expect(await watch(['boot', 'ready', 100, 'heartbeat', 100, 'progress', 'done'], 0.05, true)).toBe(
      undefined,
    );
  });

  it('may take its time for its boot and its end', async () => {
    expect(await watch(['boot', 1200, 'ready', 'done', 1200], 0.05, true)).toBe(undefined);
  });
});
