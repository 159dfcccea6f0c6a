import type { Speeds } from '../../model/doctor.js';
import { ConsoleRing } from '../console-ring.js';
import { type Supervised, type VmmCommand, startSupervised } from '../supervisor.js';
import { TimeLimit } from '../time-limit.js';
import { GuestAnswers } from './answers.js';

/** Milliseconds. */
export interface TrialLimits {
  /** From the start of the program to the guest's first word. */
  readonly boot: number;
  /** From there to its last. */
  readonly tests: number;
}

/** Generous: a loaded host must not make anything look broken that works. */
export const defaultLimits: TrialLimits = { boot: 30_000, tests: 60_000 };

export type TrialOutcome =
  | { readonly kind: 'answered'; readonly bootSeconds: number; readonly speeds: Speeds }
  /** `reason` says when; `said` is the end of its console and standard error, printable. */
  | { readonly kind: 'hangs' | 'refused'; readonly reason: string; readonly said: readonly string[] };

/** More lines than an honest guest has by far: one that floods is not waited for. */
const maxLines = 5000;

/**
 * Starts a machine whose guest runs `guest/doctor/speed`, and gathers what it answers. It is gone afterwards,
 * with all its processes, whatever it did.
 *
 * @throws the signal's reason
 */
export async function runTrial(
  command: VmmCommand,
  limits: TrialLimits,
  signal?: AbortSignal,
): Promise<TrialOutcome> {
  signal?.throwIfAborted();
  const begin = performance.now();
  await using machine = await startSupervised(command);
  for (const socket of machine.sockets) socket.resume();
  using limit = new TimeLimit(machine, limits.boot, signal);
  const answers = new GuestAnswers();
  let bootSeconds: number | undefined;
  let lines = 0;
  for await (const line of machine.lines) {
    answers.take(line);
    if (answers.started && bootSeconds === undefined) {
      bootSeconds = (performance.now() - begin) / 1000;
      limit.restart(limits.tests);
    }
    if (answers.ended || ++lines > maxLines) break;
  }
  machine.kill();
  await machine.exited;
  signal?.throwIfAborted();
  if (answers.ended && bootSeconds !== undefined)
    return { kind: 'answered', bootSeconds, speeds: answers.speeds };
  return await failure(machine, limit.over, lines > maxLines, answers.started);
}

async function failure(
  machine: Supervised,
  late: boolean,
  flooded: boolean,
  started: boolean,
): Promise<TrialOutcome> {
  const { status, stderr } = await machine.exited;
  const said = new ConsoleRing(16 << 10);
  said.append(Buffer.concat([machine.console.bytes(), Buffer.from(`\n${stderr}`)]));
  const end = { said: said.lastLines(5) };
  const when = started ? 'after its first word' : 'before its first word';
  if (late) return { kind: 'hangs', reason: `the guest stopped ${when}`, ...end };
  if (flooded) return { kind: 'refused', reason: 'it floods its serial line', ...end };
  return { kind: 'refused', reason: `it ended with status ${status} ${when}`, ...end };
}
