/** How a point stands on a live page. The order is part of the protocol: a state is sent as its letter. */
export const liveStates = ['pending', 'running', 'done', 'failed', 'lost', 'cancelled'] as const;
export type LiveState = (typeof liveStates)[number];

const letters = 'prdflc';

/** The number that a state has in an array of states. */
export const codeOf = (state: LiveState): number => liveStates.indexOf(state);
export const stateOfCode = (code: number): LiveState => liveStates[code] ?? 'pending';

/** What has become of points: all of them, or those that are others than before. */
export type StatesUpdate =
  | {
      readonly count: number;
      /** Runs of points in one state, each its length (absent for 1) and its letter: `3dr96p`. */
      readonly all: string;
    }
  | {
      /** Numbers of points by the letter of the state that they are in now. */
      readonly changes: Readonly<Record<string, readonly number[]>>;
    };

export function encodeStates(states: Uint8Array): StatesUpdate {
  let all = '';
  for (let start = 0, end = 0; start < states.length; start = end) {
    const code = states[start] ?? 0;
    while (end < states.length && states[end] === code) end++;
    all += `${end - start > 1 ? end - start : ''}${letters[code] ?? 'p'}`;
  }
  return { count: states.length, all };
}

export function encodeChanges(changes: ReadonlyMap<number, number>): StatesUpdate {
  const byLetter: Record<string, number[]> = {};
  for (const [index, code] of changes) (byLetter[letters[code] ?? 'p'] ??= []).push(index);
  return { changes: byLetter };
}

/** The states after an update; of changes, the array itself. */
export function applyStates(states: Uint8Array, update: StatesUpdate): Uint8Array {
  if ('all' in update) return decodeAll(update.all, update.count);
  for (const [letter, indices] of Object.entries(update.changes))
    for (const index of indices) if (index < states.length) states[index] = codeOfLetter(letter);
  return states;
}

function decodeAll(all: string, count: number): Uint8Array {
  const states = new Uint8Array(count);
  let place = 0;
  for (const [, length = '', letter = ''] of all.matchAll(/(\d*)([a-z])/g)) {
    const end = place + (length === '' ? 1 : Number(length));
    states.fill(codeOfLetter(letter), place, end);
    place = end;
  }
  return states;
}

const codeOfLetter = (letter: string) => Math.max(0, letters.indexOf(letter));
