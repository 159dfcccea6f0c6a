import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { emptyOverlay } from '../../disk/qcow2/overlay.js';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import type { Checkpoints, Disk, Moment } from '../driver.js';
import { type MigrationInfo, prepareSaving } from './migration.js';
import type { QmpClient } from './qmp.js';
import type { StateSocket } from './state-socket.js';

/** Milliseconds for all of it. */
const patience = 120_000;

type WrittenDisk = Pick<Disk, 'id' | 'size'> & Required<Pick<Disk, 'layers'>>;

/** What lies on a disk's image or overlay. */
interface Chain {
  readonly disk: WrittenDisk;
  /** QEMU's node of the image or overlay itself. */
  base: string | undefined;
  /** The lowest first. */
  layers: { readonly node: string; readonly file: string }[];
}

/**
 * Checkpoints by migration into a socket: the guest stands still, its memory is copied, each disk that it writes goes on in
 * a new overlay, all by one transaction, and the guest runs on. Memory is not copied while the guest runs, as for a move to
 * another host: under TCG, QEMU 7.2 misses some of what is written meanwhile, and programs crash when they go on from there.
 * Afterwards the overlays below the topmost ones are committed, so that of each disk there are never more than two.
 */
export class QemuCheckpoints implements Checkpoints {
  readonly #qmp: QmpClient;
  readonly #socket: StateSocket;
  readonly #unfinished: () => string;
  readonly #chains: readonly Chain[];
  #count = 0;

  /** @param unfinished what the guest has begun to say */
  constructor(qmp: QmpClient, socket: StateSocket, disks: readonly Disk[], unfinished: () => string) {
    this.#qmp = qmp;
    this.#socket = socket;
    this.#unfinished = unfinished;
    this.#chains = disks.flatMap(({ id, size, layers }) =>
      layers ? [{ disk: { id, size, layers }, base: undefined, layers: [] }] : [],
    );
  }

  async take(state: string, atRest: () => void, signal: AbortSignal): Promise<Moment> {
    try {
      await this.#mustRun();
      const targets = await this.#nextLayers();
      const settings = prepareSaving(this.#qmp);
      const received = this.#socket.receive(state, AbortSignal.any([AbortSignal.timeout(patience), signal]));
      // It may end before it is waited for.
      received.catch(() => undefined);
      await settings;
      const moment = await this.#atOnce(atRest, targets, signal);
      await received;
      return moment;
    } catch (error) {
      throw failed('taken', error);
    }
  }

  async settle(): Promise<void> {
    try {
      for (const chain of this.#chains) while (chain.layers.length > 1) await this.#commitLowest(chain);
    } catch (error) {
      throw failed('settled', error);
    }
  }

  above(id: Disk['id']): readonly string[] {
    const chain = this.#chains.find(({ disk }) => disk.id === id);
    return chain?.layers.map(({ file }) => file) ?? [];
  }

  /** One that waits for room on the host's disk, or has ended, is in no state to go on from. */
  async #mustRun(): Promise<void> {
    const { status } = (await this.#qmp.execute('query-status')) as { status: string };
    if (status !== 'running') throw new Error(`it does not run (${status})`);
  }

  /** Empties the files that the disks go on in. */
  async #nextLayers(): Promise<{ chain: Chain; node: string; file: string }[]> {
    const number = ++this.#count;
    const nodes = this.#chains.some(({ base }) => base === undefined) ? await this.#nodes() : undefined;
    const targets = this.#chains.map(async (chain) => {
      const { disk, layers } = chain;
      if (layers.length > 1) throw new Error(`the layers of the disk ${disk.id} were not brought together`);
      chain.base ??= nodes?.get(disk.id);
      const file = disk.layers.find((name) => name !== layers[0]?.file) ?? '';
      await emptyOverlay(file, disk.size);
      return { chain, file, node: `${disk.id}-${number}` };
    });
    return Promise.all(targets);
  }

  /** Drive to node. */
  async #nodes(): Promise<Map<string, string>> {
    const drives = (await this.#qmp.execute('query-block')) as {
      device: string;
      inserted?: { 'node-name'?: string };
    }[];
    return new Map(drives.map(({ device, inserted }) => [device, inserted?.['node-name'] ?? '']));
  }

  async #atOnce(
    atRest: () => void,
    targets: { chain: Chain; node: string; file: string }[],
    signal: AbortSignal,
  ): Promise<Moment> {
    let [stopped, resumed] = [0, 0];
    const forget = this.#qmp.listen(({ name }) => {
      if (name === 'STOP') stopped = performance.now();
      if (name === 'RESUME') resumed = performance.now();
    });
    try {
      await this.#save(signal);
      // What it said before it stopped is in the socket by now; two turns of the loop, and it was read.
      await turn();
      await turn();
      const unfinished = this.#unfinished();
      atRest();
      await this.#qmp.execute('transaction', { actions: targets.map(snapshot) });
      for (const { chain, node, file } of targets) chain.layers.push({ node, file });
      await this.#qmp.execute('cont');
      return { pause: Math.max(0, resumed - stopped) / 1000, unfinished };
    } catch (error) {
      await this.#goOn();
      throw error;
    } finally {
      forget();
    }
  }

  async #save(signal: AbortSignal): Promise<void> {
    const begin = performance.now();
    await this.#qmp.execute('stop');
    await this.#qmp.execute('migrate', { uri: `unix:${this.#socket.path}` });
    for (;;) {
      const { status, 'error-desc': problem } = (await this.#qmp.execute('query-migrate')) as MigrationInfo;
      if (status === 'completed') return;
      if (status === 'failed' || status === 'cancelled') throw new Error(problem ?? status);
      signal.throwIfAborted();
      if (performance.now() - begin > patience)
        throw new Error(`its state was not written within ${patience} ms`);
      await sleep(2);
    }
  }

  /** Whatever went wrong, the guest is not to stand still. A QEMU that has ended makes no difference. */
  async #goOn(): Promise<void> {
    await this.#qmp.execute('migrate_cancel').catch(() => undefined);
    await this.#qmp.execute('cont').catch(() => undefined);
  }

  /** Writes what is in the lowest layer to what is below it. */
  async #commitLowest(chain: Chain): Promise<void> {
    const [lowest] = chain.layers;
    if (!lowest) return;
    const job = `commit-${chain.disk.id}`;
    const over = new Promise<string | undefined>((resolve) => {
      const forget = this.#qmp.listen(({ name, data }) => {
        if (name !== 'BLOCK_JOB_COMPLETED' || data['device'] !== job) return;
        forget();
        resolve(typeof data['error'] === 'string' ? data['error'] : undefined);
      });
    });
    const places = { device: chain.disk.id, 'top-node': lowest.node, 'base-node': chain.base };
    await this.#qmp.execute('block-commit', { 'job-id': job, ...places });
    const problem = await Promise.race([over, this.#ended()]);
    if (problem !== undefined) throw new Error(problem);
    chain.layers = chain.layers.slice(1);
  }

  /** Rejects when QEMU has ended; the disks of a guest may take long to commit. */
  #ended(): Promise<never> {
    return this.#qmp.ended.then((error) => {
      throw error;
    });
  }
}

const snapshot = ({ chain, node, file }: { chain: Chain; node: string; file: string }) => ({
  type: 'blockdev-snapshot-sync',
  data: {
    ...{ device: chain.disk.id, 'snapshot-file': file, 'snapshot-node-name': node },
    ...{ mode: 'existing', format: 'qcow2' },
  },
});

const failed = (what: string, cause: unknown) =>
  new GvaError('VMM_CHECKPOINT', `the checkpoint could not be ${what}: ${messageOf(cause)}`, {
    exitCode: ExitCode.infrastructure,
    cause,
  });
