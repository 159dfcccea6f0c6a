import { messageColours as pc } from '../colours.js';
import type { Appliance } from '../../model/appliance.js';
import type { SweepStatus } from '../../model/sweep-status.js';
import type { Point, PointOutcome, SweepEvent, SweepManifest, SweepSummary } from '../../model/sweep.js';
import { shellWord } from '../../system/shell-word.js';
import { formatDuration } from '../../system/units.js';
import { printable } from '../../vmm/console-ring.js';
import { StatusLine, type TextStream } from '../status-line.js';
import { jobsText, progressLine } from './status-text.js';

/** A sweep of up to so many points gets a line for each where there is no terminal. */
const fewPoints = 50;
/** Seconds between two lines of a larger one. */
const linePause = 5;
/** Failures that are told one by one; the others are counted. */
const toldFailures = 20;

/** What a person sees of a sweep. Disposing it leaves the terminal clean. */
export class SweepView implements Disposable {
  readonly #line: StatusLine;
  readonly #quiet: boolean;
  readonly #grid: string | undefined;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #startedAt = 0;
  #lastLine = 0;
  #points = 0;
  #kept = 0;
  readonly #running = new Set<number>();
  /** Failures that were told, or would have been. */
  #told = 0;
  #known: SweepStatus | undefined;
  readonly #ended = { done: 0, failed: 0, lost: 0, cancelled: 0 };

  /**
   * @param quiet tells only what went wrong
   * @param grid that has the points run; undefined: this host
   * @param now seconds
   */
  constructor(stream: TextStream, quiet: boolean, grid?: string, now = () => performance.now() / 1000) {
    this.#grid = grid;
    this.#line = new StatusLine(stream);
    this.#quiet = quiet;
    this.#now = now;
  }

  title({ name, version }: Appliance, vmm: SweepManifest['vmm']): void {
    const where =
      this.#grid === undefined
        ? `under ${vmm.name} ${vmm.version} (${vmm.accelerator})`
        : `by the grid ${this.#grid} (VMM: ${vmm.name})`;
    this.#say(`${name} ${version} ${where}`);
  }

  note(text: string): void {
    this.#say(pc.dim(text));
  }

  event(event: SweepEvent): void {
    if (event.event === 'begun') this.#begin(event);
    else if (event.event === 'point-started') this.#running.add(event.point.index);
    else if (event.event === 'point-again') this.#again(event);
    else if (event.event === 'paused') this.#say(pc.yellow(`paused: ${printable(event.reason)}`));
    else if (event.event === 'resumed') this.#say('goes on');
    else if (event.event === 'gathering') this.#say(`gathering: ${printable(event.by)}`);
    else if (event.event === 'note') this.#say(`${pc.yellow('note:')} ${printable(event.message)}`);
    else this.#end(event.point, event.outcome);
    if (!this.#quiet) this.#line.show(this.#status());
  }

  /** How the sweep stands, by those who know best: what is shown from then on. */
  progress(status: SweepStatus): void {
    this.#known = status;
    if (!this.#quiet) this.#line.show(this.#status());
  }

  /** What runs comes to its end. */
  finishing(): void {
    if (this.#grid !== undefined)
      this.#say(pc.yellow('this client ends; what is submitted goes on (gva sweep cancel ends it)'));
    else if (this.#running.size > 0)
      this.#say(pc.yellow(`no more is begun; waiting for ${this.#runningText()} (once more: end now)`));
  }

  /** What runs is being ended. */
  interrupted(): void {
    if (this.#grid === undefined && this.#running.size > 0)
      this.#say(pc.yellow(`ending ${this.#runningText()}; what is done is kept (once more: quit at once)`));
  }

  end(summary: SweepSummary): void {
    this[Symbol.dispose]();
    const { points, counts, kept, seconds } = summary;
    const colours = { done: pc.green, failed: pc.red, lost: pc.red, pending: pc.yellow };
    const parts = (['done', 'failed', 'lost', 'pending'] as const)
      .filter((state) => counts[state] > 0)
      .map((state) => colours[state](`${counts[state]} ${state}`));
    const before = kept > 0 ? ` (${kept} done before)` : '';
    this.#say(`${points} points: ${parts.join(', ')}${before} in ${formatDuration(seconds)}`);
    this.#say(`results: ${summary.results}`);
    if (summary.stopped !== undefined) this.#say(pc.yellow(`stopped: ${summary.stopped}`));
    if (summary.jobs) this.#tellJobs(summary, summary.jobs);
    else if (summary.interrupted) this.#say(pc.yellow('interrupted: the same command goes on with the rest'));
    else if (counts.failed + counts.lost > 0)
      this.#say(
        `${pc.cyan('hint:')} causes are in its column gva_cause, and all that is known of a point is in its ` +
          'gva_folder; the same command runs these points again',
      );
  }

  #tellJobs({ folder }: SweepSummary, jobs: NonNullable<SweepSummary['jobs']>): void {
    const { unsubmitted } = jobs;
    const word = shellWord(folder);
    if (unsubmitted > 0)
      this.#say(
        pc.yellow(
          `${unsubmitted} points have no job yet: the grid takes no more for now. This submits them: gva sweep resume ${word}`,
        ),
      );
    this.#say(`${jobsText(jobs)}; they go on by themselves`);
    this.#say(`how they stand: gva sweep status ${word}; end them: gva sweep cancel ${word}`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#line[Symbol.dispose]();
  }

  #begin({ points, kept, parallel }: Extract<SweepEvent, { event: 'begun' }>): void {
    this.#points = points;
    this.#kept = kept;
    this.#startedAt = this.#lastLine = this.#now();
    const before = kept > 0 ? `, ${kept} of them done before` : '';
    const atOnce = this.#grid === undefined ? `; ${parallel} at once` : '';
    this.#say(`${points} point${points === 1 ? '' : 's'}${before}${atOnce}`);
    if (this.#quiet || !this.#line.live) return;
    this.#timer = setInterval(() => this.#line.show(this.#status()), 250);
    this.#timer.unref();
  }

  #end(point: Point, outcome: PointOutcome): void {
    this.#running.delete(point.index);
    this.#ended[outcome.state]++;
    if (outcome.state === 'failed' || outcome.state === 'lost') this.#tellFailure(point, outcome);
    if (this.#line.live || outcome.state === 'cancelled') return;
    if (this.#points <= fewPoints) this.#tellDone(point, outcome);
    else if (this.#now() - this.#lastLine >= linePause) {
      this.#lastLine = this.#now();
      this.#say(this.#status());
    }
  }

  #again({ point, outcome, delay }: Extract<SweepEvent, { event: 'point-again' }>): void {
    this.#running.delete(point.index);
    this.#tellFailure(point, outcome, `; again in ${roughly(delay)}`);
  }

  #tellFailure(point: Point, { state, message, cause }: PointOutcome, then = ''): void {
    const number = ++this.#told;
    if (number > toldFailures + 1) return;
    if (number > toldFailures) this.#line.print('more failures are not shown here, only counted');
    else {
      const why = printable(message ?? cause ?? '');
      this.#line.print(`${pc.red(`${state}:`)} point ${point.index}${described(point)}: ${why}${then}`);
    }
  }

  #tellDone(point: Point, { state, times }: PointOutcome): void {
    if (state !== 'done') return;
    const count = `[${this.#kept + this.#endedCount()}/${this.#points}]`;
    this.#say(
      `${count} point ${point.index}${described(point)} done in ${formatDuration(times?.collected ?? 0)}`,
    );
  }

  #runningText(): string {
    const { size } = this.#running;
    return size === 1 ? 'the running instance' : `${size} running instances`;
  }

  #endedCount(): number {
    return this.#ended.done + this.#ended.failed + this.#ended.lost;
  }

  #status(): string {
    if (this.#known) return progressLine(this.#known);
    const ended = this.#endedCount();
    const left = this.#points - this.#kept - ended;
    const seconds = this.#now() - this.#startedAt;
    const { failed, lost } = this.#ended;
    return [
      `${this.#kept + this.#ended.done}/${this.#points} done`,
      `${this.#running.size} running`,
      ...(failed > 0 ? [`${failed} failed`] : []),
      ...(lost > 0 ? [`${lost} lost`] : []),
      ...(ended > 0 && seconds > 0 ? [`${rate((ended / seconds) * 60)}/min`] : []),
      ...(ended > 0 && left > 0 ? [`about ${roughly((left * seconds) / ended)} left`] : []),
    ].join(', ');
  }

  #say(line: string): void {
    if (!this.#quiet) this.#line.print(line);
  }
}

const roughly = (seconds: number) => (seconds < 60 ? `${Math.ceil(seconds)} s` : formatDuration(seconds));
const rate = (perMinute: number) => perMinute.toFixed(perMinute < 10 ? 1 : 0);

/** " (n=3, mode=fast)" in one short line. */
function described({ parameters }: Point): string {
  const words = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  if (words.length === 0) return '';
  const text = printable(words.join(', ')).replace(/\s+/g, ' ');
  return ` (${text.length > 120 ? `${text.slice(0, 119)}…` : text})`;
}
