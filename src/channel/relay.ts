import { once } from 'node:events';
import type { Duplex, Readable } from 'node:stream';
import { GvaError, messageOf } from '../system/errors.js';
import type { GuestCommand } from './command.js';
import { type Frame, FrameReader, encodeFrame, frameTypes, maxPayload } from './frame.js';

/**
 * Has somebody at the other end of a socket use a command: frames of the kinds `data`, `end` and `signal` come, those of the
 * kinds `data`, `end`, `exit` and `failed` (with a JSON object: code, message, hint) go. Who goes away has it end. Resolves at its end.
 */
export async function relayCommand(socket: Duplex, command: GuestCommand): Promise<void> {
  socket.once('close', () => endWithin(command, patience));
  const say = sayOn(socket);
  void takeInput(socket, command);
  try {
    await Promise.all([giveOutput(command.stdout, 1, say), giveOutput(command.stderr, 2, say)]);
    const { status } = await command.exited;
    await say(frameTypes.exit, Buffer.of(status & 255));
  } catch (error) {
    await say(frameTypes.failed, Buffer.from(JSON.stringify(described(error)))).catch(() => undefined);
  }
  socket.end();
}

/** Milliseconds that a command has to put in order what it has begun. */
const patience = 2000;
/** Number of the signal on Linux. */
const sigterm = 15;

function endWithin(command: GuestCommand, time: number): void {
  command.signal(sigterm);
  const timer = setTimeout(() => command.kill(), time).unref();
  const over = () => clearTimeout(timer);
  command.exited.then(over, over);
}

type Say = (type: number, payload: Buffer) => Promise<void>;

/** Waits where the other end does not keep up. */
export function sayOn(socket: Duplex): Say {
  return async (type, payload) => {
    if (socket.destroyed) throw new Error('the other end has gone');
    if (!socket.write(encodeFrame({ type, session: 0, number: 0, payload }))) await drained(socket);
  };
}

/** Waits until the stream takes more, or takes nothing any more. */
export async function drained(stream: NodeJS.EventEmitter): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  await Promise.race([once(stream, 'drain', { signal }), once(stream, 'close', { signal })]).catch(
    () => undefined,
  );
  over.abort();
}

/** Says bytes of a stream, in as many frames as they need. */
export async function sayPieces(bytes: Buffer, stream: number, say: Say): Promise<void> {
  for (let at = 0; at < bytes.length; at += maxPayload - 1)
    await say(frameTypes.data, Buffer.concat([Buffer.of(stream), bytes.subarray(at, at + maxPayload - 1)]));
}

async function giveOutput(stream: Readable, number: number, say: Say): Promise<void> {
  for await (const chunk of stream) await sayPieces(chunk as Buffer, number, say);
  await say(frameTypes.end, Buffer.of(number));
}

async function takeInput(socket: Duplex, command: GuestCommand): Promise<void> {
  const reader = new FrameReader();
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false }))
      for (const frame of reader.push(chunk as Buffer).frames) await takeFrame(frame, command);
  } catch {
    // Its close is heard elsewhere.
  }
}

async function takeFrame({ type, payload }: Frame, command: GuestCommand): Promise<void> {
  const { stdin } = command;
  if (type === frameTypes.end) stdin.end();
  else if (type === frameTypes.signal && payload.length === 1) command.signal(payload.readUInt8(0));
  else if (type === frameTypes.data && stdin.writable && !stdin.write(payload.subarray(1)))
    await drained(stdin);
}

function described(error: unknown): { code: string; message: string; hint?: string } {
  const { code, hint } = error instanceof GvaError ? error : { code: 'CHANNEL', hint: undefined };
  return { code, message: messageOf(error), ...(hint === undefined ? {} : { hint }) };
}
