import { setTimeout as sleep } from 'node:timers/promises';
import type { QmpClient } from './qmp.js';
import type { StateSocket } from './state-socket.js';

/** Milliseconds for a state to be written or read; a loaded host takes seconds for what else takes 20 ms. */
const patience = 60_000;

/** Memory that is a file shared with us is in that file already. */
const capabilities = [{ capability: 'x-ignore-shared', state: true }];

/**
 * Writes the state of a running machine into a new file. The guest is not stopped before, so that
 * the state says "running", and who goes on from it does so by itself; afterwards it is paused for good.
 */
export async function saveTo(qmp: QmpClient, socket: StateSocket, file: string): Promise<void> {
  const received = socket.receive(file, AbortSignal.timeout(patience));
  // It may end before it is waited for.
  received.catch(() => undefined);
  await Promise.all([prepareSaving(qmp), qmp.execute('migrate', { uri: `unix:${socket.path}` })]);
  const end = performance.now() + patience;
  for (;;) {
    const { status, 'error-desc': problem } = (await qmp.execute('query-migrate')) as MigrationInfo;
    if (status === 'completed') return received;
    if (status === 'failed' || status === 'cancelled') throw new Error(problem ?? status);
    if (performance.now() > end) throw new Error(`its state was not written within ${patience} ms`);
    await sleep(2);
  }
}

/** Tells QEMU how a state is to be written. */
export async function prepareSaving(qmp: QmpClient): Promise<void> {
  await Promise.all([
    qmp.execute('migrate-set-capabilities', { capabilities }),
    // The default is for a network, and took 0.8 s for what takes 20 ms.
    qmp.execute('migrate-set-parameters', { 'max-bandwidth': 2 ** 40 }),
  ]);
}

/** "MigrationInfo" of QEMU's QMP reference. */
export interface MigrationInfo {
  readonly status?: string;
  readonly 'error-desc'?: string;
}

/**
 * Reads the state of a machine from a file that QEMU has inherited; returns when the guest runs.
 *
 * @param atRest the state may say that the machine is stopped; called before it runs
 */
export async function resumeFrom(qmp: QmpClient, descriptor: number, atRest?: () => void): Promise<void> {
  const running = qmp.event('RESUME', { timeout: patience });
  await Promise.all([
    qmp.execute('migrate-set-capabilities', { capabilities }),
    qmp.execute('migrate-incoming', { uri: `fd:${descriptor}` }),
    running,
    ...(atRest ? [continueWhenRead(qmp, atRest)] : []),
  ]);
}

async function continueWhenRead(qmp: QmpClient, atRest: () => void): Promise<void> {
  const end = performance.now() + patience;
  while (performance.now() < end) {
    const { status } = (await qmp.execute('query-status')) as { status: string };
    if (status !== 'inmigrate') {
      atRest();
      if (status === 'paused') await qmp.execute('cont');
      return;
    }
    await sleep(5);
  }
}
