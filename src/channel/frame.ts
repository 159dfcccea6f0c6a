import { crc32 } from './crc32.js';

/** What goes over the control channel (docs/channels.md); from `exec` on, frames are numbered. */
export const frameTypes = {
  hello: 1,
  welcome: 2,
  ack: 3,
  nak: 4,
  exec: 16,
  data: 17,
  end: 18,
  credit: 19,
  signal: 20,
  exit: 21,
  failed: 22,
  close: 23,
} as const;

export interface Frame {
  readonly type: number;
  /** Which command it is about. */
  readonly session: number;
  readonly number: number;
  readonly payload: Buffer;
}

const magic = 0x76c7;
const header = 10;
const trailer = 4;
/** Bytes. */
export const maxPayload = 32768;

export const isNumbered = (type: number) => type >= frameTypes.exec;

export function encodeFrame({ type, session, number, payload }: Frame): Buffer {
  const bytes = Buffer.allocUnsafe(header + payload.length + trailer);
  bytes.writeUInt16LE(magic, 0);
  bytes.writeUInt8(type, 2);
  bytes.writeUInt8(session, 3);
  bytes.writeUInt32LE(number, 4);
  bytes.writeUInt16LE(payload.length, 8);
  bytes.set(payload, header);
  bytes.writeUInt32LE(crc32(bytes, 2, header + payload.length), header + payload.length);
  return bytes;
}

/** Finds the frames in what comes from a line. What is no frame is skipped; of an unfinished one no more than that is kept. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that are whole now, and whether something had to be skipped. */
  push(chunk: Uint8Array): { readonly frames: readonly Frame[]; readonly skipped: boolean } {
    const bytes = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    let skipped = false;
    let at = 0;
    while (bytes.length - at >= header) {
      const end = frameEnd(bytes, at);
      if (end !== undefined && end > bytes.length) break;
      const frame = end === undefined ? undefined : decode(bytes, at, end);
      if (frame) frames.push(frame);
      else skipped = true;
      at = frame && end !== undefined ? end : nextBegin(bytes, at + 1);
    }
    this.#rest = Buffer.from(bytes.subarray(at));
    return { frames, skipped };
  }
}

/** Where a frame that begins here ends; undefined where none does. */
function frameEnd(bytes: Buffer, at: number): number | undefined {
  const size = bytes.readUInt16LE(at + 8);
  if (bytes.readUInt16LE(at) !== magic || size > maxPayload) return undefined;
  return at + header + size + trailer;
}

function decode(bytes: Buffer, at: number, end: number): Frame | undefined {
  if (bytes.readUInt32LE(end - trailer) !== crc32(bytes, at + 2, end - trailer)) return undefined;
  return {
    type: bytes.readUInt8(at + 2),
    session: bytes.readUInt8(at + 3),
    number: bytes.readUInt32LE(at + 4),
    payload: bytes.subarray(at + header, end - trailer),
  };
}

function nextBegin(bytes: Buffer, from: number): number {
  const found = bytes.indexOf(magic & 255, from);
  return found < 0 ? bytes.length : found;
}
