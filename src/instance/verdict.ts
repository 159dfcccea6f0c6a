import type { Appliance } from '../model/appliance.js';
import type { FailureCause, InstanceState } from '../model/result.js';
import { formatDuration, formatSize } from '../system/units.js';
import type { ConsoleRing } from '../vmm/console-ring.js';
import { printable } from '../vmm/console-ring.js';
import type { PreparedAppliance } from './prepare.js';
import type { WatchLimits, Watched } from './watch.js';

export interface Verdict {
  readonly state: InstanceState;
  readonly cause?: FailureCause;
  readonly message?: string;
}

/** How an instance ended, and why. Success is the guest's explicit word with every status 0. */
export function judge(
  watched: Watched,
  { appliance, machine }: Pick<PreparedAppliance, 'appliance' | 'machine'>,
  console: ConsoleRing,
  limits: WatchLimits,
): Verdict {
  if (watched.ended === 'interrupted')
    return { state: 'cancelled', cause: 'interrupted', message: 'cancelled' };
  // A machine that knows nothing of GVA has no other word than this.
  if (machine.kind === 'plain' && !watched.ended && watched.exit.reason === 'guest-shutdown')
    return lostWrites(console) ?? { state: 'done' };
  if (watched.ended !== 'timeout') {
    const trouble = lostWrites(console);
    if (trouble) return trouble;
  }
  if (watched.done) return judgeScripts(watched, appliance, console);
  if (watched.ended === 'silent') {
    const limit = formatDuration(appliance.heartbeatLimit ?? 0);
    const message = `nothing was heard of the guest for ${limit} (heartbeat-limit): it hangs, or its host is overloaded`;
    return { state: 'lost', cause: 'silent', message };
  }
  return lost(watched, console, limits);
}

/**
 * What Linux says of writes that failed (block/blk-core.c, fs/buffer.c, fs/ext4/page-io.c); it says each now and then only.
 * A program whose data was written behind its back ends well, and its file has zeros where the data should be: the guest's
 * word is worth nothing then.
 */
const lostWrite = new RegExp(
  [
    String.raw`(?:I/O|critical [\w ]+) error, dev (\w+), sector \d+ op 0x1:\(WRITE\)`,
    String.raw`Buffer I/O error on dev (\w+), logical block \d+, lost a?sync page write`,
    String.raw`Buffer I/O error on device (\w+), logical block \d+`,
  ].join('|'),
);

function lostWrites(console: ConsoleRing): Verdict | undefined {
  const found = lostWrite.exec(console.bytes().toString('latin1'));
  if (!found) return undefined;
  const disk = found.slice(1).join('');
  const message = `writes to the guest's disk ${disk} failed: the host's disk was full, or is damaged`;
  return { state: 'lost', cause: 'disk-error', message };
}

function judgeScripts(watched: Watched, appliance: Appliance, console: ConsoleRing): Verdict {
  const size = formatSize(appliance.output.size);
  const failed = watched.scripts.find(({ status }) => status !== 0);
  if (watched.free === 0) {
    const status = failed ? `; script ${failed.name} ended with status ${failed.status ?? '?'}` : '';
    const message = `the output disk is full (${size})${status}. Raise output.size in gva.yaml`;
    return { state: 'failed', cause: 'output-full', message };
  }
  if (!failed && watched.scripts.length > 0) return { state: 'done' };
  if (!failed)
    return { state: 'lost', cause: 'no-done', message: 'the guest ended without having run a script' };
  const name = printable(failed.name);
  return {
    state: 'failed',
    cause: 'script-status',
    message: `script ${name} ended with status ${failed.status ?? '?'}${explain(failed.status, appliance, console)}`,
  };
}

/** What a status means beyond its number (POSIX.1-2017, XCU 2.8.2). */
function explain(status: number | null, appliance: Appliance, console: ConsoleRing): string {
  const memory = formatSize(appliance.hardware.memory);
  if (outOfMemory(console))
    return `: the guest ran out of memory (${memory}). Raise hardware.memory in gva.yaml`;
  if (status === 126) return ': a program was found but could not be executed';
  if (status === 127) return ': a program was not found';
  if (status !== null && status > 128) return ` (ended by signal ${status - 128})`;
  return '';
}

const outOfMemory = (console: ConsoleRing) => /out of memory: kill/i.test(console.bytes().toString('latin1'));

const starved =
  ' (killed), and the host has killed processes for want of memory meanwhile: it needs more, or fewer instances at once';

function lost(watched: Watched, console: ConsoleRing, limits: WatchLimits): Verdict {
  const panic = /Kernel panic - not syncing: ([^\r\n]*)/.exec(console.bytes().toString('latin1'))?.[1];
  if (watched.ended === 'boot-timeout')
    return {
      state: 'lost',
      cause: 'boot-timeout',
      message: `the guest did not start GVAD within ${formatDuration(limits.boot)}`,
    };
  if (watched.ended === 'timeout')
    return {
      state: 'lost',
      cause: 'timeout',
      message: `the guest was ended after its time limit of ${formatDuration(limits.total ?? 0)}`,
    };
  if (panic !== undefined)
    return { state: 'lost', cause: 'panic', message: `the guest's kernel panicked: ${printable(panic)}` };
  const { status, stderr, reason, outOfMemory } = watched.exit;
  if (watched.ended === 'restarted' || reason === 'guest-panic' || reason === 'guest-reset')
    return {
      state: 'lost',
      cause: 'panic',
      message: 'the guest restarted: its kernel panicked, or it was told to',
    };
  if (status !== 0) {
    const said = printable(stderr.trim().split('\n').slice(-3).join('; '));
    return {
      state: 'lost',
      cause: 'vmm-failed',
      message: `the VMM ended with status ${status}${outOfMemory === true ? starved : ''}${said && `: ${said}`}`,
    };
  }
  return {
    state: 'lost',
    cause: 'no-done',
    message: 'the guest powered off without saying that it was done',
  };
}
