import { open, readdir, rm } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { SweepRequest } from '../model/sweep-status.js';
import { sweepFiles } from '../system/paths.js';

const numbers = z.array(z.int().min(0)).max(1_000_000);
const schema = z.discriminatedUnion('request', [
  z.strictObject({ request: z.literal('cancel'), points: z.union([numbers, z.literal('all')]) }),
  z.strictObject({
    request: z.literal('retry'),
    points: z.union([numbers, z.literal('failed'), z.literal('lost')]),
  }),
]);

/** Bytes of a request. */
const longest = 8 << 20;

/** Takes what others have asked of the sweep since the last time; what cannot be read is removed unheard. */
export async function takeRequests(folder: string): Promise<SweepRequest[]> {
  const requests = join(folder, sweepFiles.requests);
  const names = (await readdir(requests).catch(() => [])).filter((name) => name.endsWith('.json')).sort();
  const taken: SweepRequest[] = [];
  for (const name of names) {
    const request = await readRequest(join(requests, name));
    if (request) taken.push(request);
    await rm(join(requests, name), { force: true, recursive: true });
  }
  return taken;
}

async function readRequest(file: string): Promise<SweepRequest | undefined> {
  try {
    await using handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const info = await handle.stat();
    if (!info.isFile() || info.size > longest) return undefined;
    return schema.parse(JSON.parse(await handle.readFile('utf8')));
  } catch {
    return undefined;
  }
}
