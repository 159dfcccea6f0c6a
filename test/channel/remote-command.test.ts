import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { encodeFrame, frameTypes } from '../../src/channel/frame.js';
import { RemoteCommand } from '../../src/channel/remote-command.js';

const frame = (type: number, ...bytes: (Buffer | number)[]) => {
  const payload = Buffer.concat(bytes.map((each) => (typeof each === 'number' ? Buffer.of(each) : each)));
  return encodeFrame({ type, session: 0, number: 0, payload });
};
/** More than a stream holds. */
const much = Buffer.alloc(30_000, 'x');

/** What the other end says, in pieces that come one after the other. */
async function hear(pieces: readonly Buffer[]): Promise<RemoteCommand> {
  const [ours, theirs] = duplexPair();
  const command = new RemoteCommand(ours);
  for (const piece of pieces)
    if (!theirs.write(piece)) await Promise.race([once(theirs, 'drain'), setImmediate()]);
  return command;
}

test('a stream that ends while it is full does not keep the end from being heard', async () => {
  const [said, rest] = [
    Buffer.concat([frame(frameTypes.data, 1, much), frame(frameTypes.end, 1), frame(frameTypes.end, 2)]),
    frame(frameTypes.exit, 7),
  ];
  const command = await hear([said, rest]);
  expect(await buffer(command.stdout)).toEqual(much);
  expect(await command.exited).toEqual({ status: 7 });
});

test('a reader that goes away does not keep the end from being heard', async () => {
  const command = await hear([frame(frameTypes.data, 1, much), frame(frameTypes.exit, 0)]);
  command.stdout.destroy();
  expect(await command.exited).toEqual({ status: 0 });
});

test('what comes is held back while nobody reads', async () => {
  const [ours, theirs] = duplexPair();
  const command = new RemoteCommand(ours);
  const pieces = 50;
  for (let n = 0; n < pieces; n++) theirs.write(frame(frameTypes.data, 1, much));
  theirs.write(Buffer.concat([frame(frameTypes.end, 1), frame(frameTypes.exit, 0)]));
  for (let n = 0; n < 20; n++) await setImmediate();
  expect(command.stdout.readableLength + command.stdout.writableLength).toBeLessThan(10 * much.length);
  expect((await buffer(command.stdout)).length).toBe(pieces * much.length);
  expect(await command.exited).toEqual({ status: 0 });
});
