import type { GridRecord } from '../model/grid.js';
import type { Point, PointOutcome } from '../model/sweep.js';
import type { Arrivals } from './arrivals.js';
import { type LiveElement, note } from './fleet.js';
import type { FollowParts } from './follow-parts.js';

/** What workers have told in one reading. */
interface News {
  readonly began: { readonly point: Point; readonly ago: number }[];
  /** Done when the points that began are known to have. */
  readonly ends: (() => void)[];
}

export type ListenParts = Pick<FollowParts, 'sweep' | 'fleet' | 'ends' | 'nodes' | 'onDuration'>;

/** Hears what workers write down, and takes in the results that they announce when these are there. */
export class Listener {
  readonly #parts: ListenParts;
  readonly #arrivals: Arrivals;
  /** Seconds of the coordinator's clock when workers were heard last. */
  #last: number | undefined;

  constructor(parts: ListenParts, arrivals: Arrivals) {
    this.#parts = parts;
    this.#arrivals = arrivals;
  }

  /** What workers have written down since the last time, and what results have come. @returns whether there is news */
  async listen(now: number): Promise<boolean> {
    const { fleet, ends, sweep } = this.#parts;
    const news: News = { began: [], ends: [] };
    let heard = false;
    for (const chunk of [...fleet.chunks.values()])
      for await (const { element, record } of chunk.reader.news((number) => chunk.elements.has(number))) {
        heard = true;
        const live = chunk.elements.get(element);
        if (!live) continue;
        note(live, record);
        if ('point' in record) this.#hear(now, live, record, news);
      }
    this.#last = now;
    ends.began(now, news.began);
    if (news.ends.length > 0)
      sweep.store.together(() => {
        for (const end of news.ends) end();
      });
    return (await this.#takeIn(now)) || heard;
  }

  async #takeIn(now: number): Promise<boolean> {
    const { fleet, ends, sweep } = this.#parts;
    const { here, missing } = await this.#arrivals.look(now, (index) => sweep.store.get(index)?.id);
    const results = here.flatMap((arrived) => {
      const point = fleet.close(arrived.point);
      return point ? [{ point, arrived }] : [];
    });
    await ends.arrived(now, results);
    for (const index of missing) {
      const point = fleet.close(index);
      const message = 'its result has not appeared';
      if (point) ends.failed(now, point, { kind: 'vanished', begun: true, alone: true, message });
    }
    return here.length > 0 || missing.length > 0;
  }

  #hear(now: number, live: LiveElement, record: PointRecordLine, { began, ends }: News): void {
    const { nodes, onDuration } = this.#parts;
    live.fruitful = true;
    const point = live.open.get(record.point);
    // Of a point that has come to its end elsewhere, or that the plan has no more, nothing is wanted.
    if (!point || this.#arrivals.has(point.index)) return;
    const { index } = point;
    if (record.record === 'point-began') {
      nodes.begun(live.node);
      live.saved.delete(index);
      live.begun.add(index);
      began.push({ point, ago: this.#ago(now, record) });
      return;
    }
    if (record.record === 'point-saved') {
      live.saved.add(index);
      return;
    }
    if ('seconds' in record) onDuration?.(record.seconds);
    if (record.record === 'point-known') this.#arrivals.expect(index, 'any', now);
    else if (record.record === 'point-skipped') ends.push(this.#ended(now, point, undefined));
    else if (isUnsaved(record.outcome)) return;
    else if (isPublished(record.outcome))
      this.#arrivals.expect(index, record.published ? record.outcome.state : 'any', now);
    // A worker that was told to end publishes nothing; why it was told is for the grid to say.
    else if (record.outcome.state !== 'cancelled') ends.push(this.#ended(now, point, record.outcome));
  }

  /** Seconds since it was written, by two clocks that may be wrong or jump; it was not there when we last looked. */
  #ago(now: number, { at }: GridRecord): number {
    const ago = (Date.now() - Date.parse(at)) / 1000 || 0;
    return Math.min(Math.max(0, ago), now - (this.#last ?? -Infinity));
  }

  /** It has come to an end without results. @param outcome undefined: somebody has cancelled it */
  #ended(now: number, point: Point, outcome: PointOutcome | undefined): () => void {
    const { fleet, ends } = this.#parts;
    return () => {
      if (!fleet.close(point.index)) return;
      if (outcome === undefined) ends.cancelled(now, point);
      else if (outcome.state === 'failed') ends.wrong(now, point, outcome);
      else ends.lost(now, point, outcome);
    };
  }
}

type PointRecordLine = Extract<GridRecord, { readonly point: number }>;

/** Results that the file system did not take; the worker says next what is wrong with it. */
const isUnsaved = ({ state, cause = '' }: PointOutcome) =>
  state === 'lost' && cause.startsWith('RESULT_UNSAVED');

/** What failed without a result was not run at all: what it was given is wrong. */
const isPublished = (outcome: PointOutcome): outcome is PointOutcome & { state: 'done' | 'failed' } =>
  outcome.state === 'done' || (outcome.state === 'failed' && outcome.times !== null);
