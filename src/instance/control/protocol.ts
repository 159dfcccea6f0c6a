import { z } from 'zod';
import { insertWays } from '../../model/insert.js';

/** What only the QEMU guest agent is told in its own words. */
export const agentOrders = ['set-time', 'power-off'] as const;
export type AgentOrder = (typeof agentOrders)[number];

const instance = z.string().min(1).max(200);
const words = z.array(z.string().max(32_000)).min(1).max(255);

/** What may be asked of a process that runs instances: one JSON object on a line; the answer is one, too. */
export const requestSchema = z.discriminatedUnion('request', [
  z.strictObject({ v: z.literal(1), request: z.literal('list') }),
  z.strictObject({ v: z.literal(1), request: z.literal('checkpoint'), instance, stop: z.boolean() }),
  z.strictObject({
    ...{ v: z.literal(1), request: z.literal('insert'), instance },
    ...{ source: z.string().max(4096).startsWith('/'), by: z.enum(insertWays) },
  }),
  z.strictObject({
    ...{ v: z.literal(1), request: z.literal('snapshot'), instance },
    out: z.string().max(4096).startsWith('/'),
  }),
  // By the QEMU guest agent: sets the guest's clock to this machine's; has it power off.
  z.strictObject({ v: z.literal(1), request: z.literal('agent'), instance, order: z.enum(agentOrders) }),
  // The last of what it has said on its console.
  z.strictObject({ v: z.literal(1), request: z.literal('console'), instance }),
  // The answer is followed by frames in both directions (src/channel/relay.ts).
  z.strictObject({ v: z.literal(1), request: z.literal('exec'), instance, words }),
]);
export type ControlRequest = z.infer<typeof requestSchema>;

const taken = z.object({
  folder: z.string(),
  takenAt: z.string(),
  pause: z.number(),
  size: z.number(),
  seconds: z.number(),
});

const inserted = z.object({
  by: z.enum(['cd', 'disk', 'mailbox']),
  scripts: z.number(),
  failed: z.number(),
  noticed: z.number(),
  started: z.number().exactOptional(),
});

const snapshot = z.object({
  files: z.number(),
  bytes: z.number(),
  findings: z.number(),
  pause: z.number(),
});

const running = z.object({
  id: z.string(),
  appliance: z.string(),
  vmm: z.string(),
  /** ISO 8601, UTC. */
  startedAt: z.string(),
  /** How far it has come: the last moment of `InstanceTimes` that it has reached. */
  state: z.string(),
  /** ISO 8601, UTC; null where there is none. */
  lastCheckpoint: z.string().nullable(),
  /** Who runs commands in the guest, where that is not GVAD's agent. */
  agent: z.literal('qemu').exactOptional(),
  /** The machine knows nothing of GVA. */
  plain: z.literal(true).exactOptional(),
  /** As the guest says; absent in answers of earlier versions. */
  progress: z
    .object({ fraction: z.number().exactOptional(), text: z.string().exactOptional() })
    .exactOptional(),
});
/** An instance as its process tells of it. */
export type RunningInstance = z.infer<typeof running>;

const error = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() });

export const answerSchema = z.union([
  z.object({ v: z.literal(1), instances: z.array(running) }),
  z.object({ v: z.literal(1), taken }),
  z.object({ v: z.literal(1), inserted }),
  z.object({ v: z.literal(1), snapshot }),
  z.object({ v: z.literal(1), started: z.literal(true) }),
  z.object({ v: z.literal(1), told: z.literal(true) }),
  /** As the guest has written it. */
  z.object({ v: z.literal(1), console: z.string() }),
  z.object({ v: z.literal(1), error }),
]);
export type ControlAnswer = z.infer<typeof answerSchema>;
