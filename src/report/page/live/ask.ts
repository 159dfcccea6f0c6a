import {
  type CancelPoints,
  type ConsoleTail,
  type LiveTable,
  type RetryPoints,
  actionHeader,
} from '../../live/protocol.js';

const addressOf = (sweep: string, what: string) => `/sweeps/${encodeURIComponent(sweep)}/${what}`;

/** @throws Error with what the server says */
export async function ask(sweep: string, what: 'cancel', points: CancelPoints): Promise<void>;
export async function ask(sweep: string, what: 'retry', points: RetryPoints): Promise<void>;
export async function ask(sweep: string, what: string, points: unknown): Promise<void> {
  const headers = { 'content-type': 'application/json', [actionHeader]: what };
  const body = JSON.stringify({ points });
  const answer = await fetch(addressOf(sweep, what), { method: 'POST', headers, body }).catch(
    () => undefined,
  );
  if (!answer) throw new Error('The server does not answer.');
  if (!answer.ok) throw new Error(await reasonOf(answer));
}

async function reasonOf(answer: Response): Promise<string> {
  const said = (await answer.json().catch(() => undefined)) as
    { error?: { message?: string; hint?: string } } | undefined;
  const { message, hint } = said?.error ?? {};
  return [message ?? `The server refuses (${answer.status}).`, hint].filter(Boolean).join(' ');
}

/** Undefined where it cannot be had now. */
export const fetchTable = (sweep: string): Promise<LiveTable | undefined> =>
  fetchJson<LiveTable>(addressOf(sweep, 'table'));

export const fetchConsole = (sweep: string, point: number): Promise<ConsoleTail | undefined> =>
  fetchJson<ConsoleTail>(addressOf(sweep, `console/${point}`));

async function fetchJson<T>(address: string): Promise<T | undefined> {
  try {
    const answer = await fetch(address);
    return answer.ok ? ((await answer.json()) as T) : undefined;
  } catch {
    return undefined;
  }
}
