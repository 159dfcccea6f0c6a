import { progressOf } from '../model/guest-event.js';
import type { InstanceEvent } from '../model/instance-event.js';
import type { RunningPoint } from '../model/sweep-status.js';

/** How far an instance has come, where an event says something of it. */
export function pointPhase(
  event: InstanceEvent,
): Pick<RunningPoint, 'phase' | 'fraction' | 'text'> | undefined {
  if (event.event === 'staged') return { phase: 'booting' };
  if (event.event === 'powered-off') return { phase: 'collecting' };
  if (event.event !== 'guest') return undefined;
  if (event.name === 'script-start') return { phase: 'running' };
  if (event.name !== 'progress') return undefined;
  return { phase: 'running', ...progressOf(event.fields) };
}
