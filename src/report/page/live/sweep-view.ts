import { describeRow } from '../../chart/field.js';
import { countStates } from '../../live/grid.js';
import { stateOfCode } from '../../live/states.js';
import { el } from '../dom.js';
import { ActionsPart } from './actions-part.js';
import { ConsolePart } from './console-part.js';
import { FailuresPart } from './failures-part.js';
import { Legend } from './legend.js';
import { OverviewPart } from './overview-part.js';
import { PointGrid } from './point-grid.js';
import { ResultsPart } from './results-part.js';
import { RunningPart } from './running-part.js';
import type { KnownSweep, Store } from './store.js';
import { ThroughputPart } from './throughput-part.js';

/** All that is shown of one sweep. */
export class SweepView {
  readonly element: HTMLElement;
  readonly #sweep: KnownSweep;
  readonly #actions: ActionsPart;
  readonly #overview: OverviewPart;
  readonly #grid: PointGrid;
  readonly #legend: Legend;
  readonly #throughput = new ThroughputPart();
  readonly #running: RunningPart;
  readonly #console: ConsolePart;
  readonly #failures: FailuresPart;
  /** The point that somebody has chosen; otherwise the console follows what runs. */
  #pinned: number | undefined;

  constructor(store: Store, sweep: KnownSweep) {
    this.#sweep = sweep;
    const pick = (point: number) => this.#pin(point);
    const describe = (point: number) => this.#describe(point);
    this.#actions = new ActionsPart(store, sweep);
    this.#overview = new OverviewPart(sweep.name, this.#actions.element);
    this.#grid = new PointGrid({ states: () => sweep.states, describe, onPick: pick });
    this.#legend = new Legend((state) => this.#grid.highlight(state));
    this.#running = new RunningPart(pick);
    this.#console = new ConsolePart({
      sweep: sweep.id,
      describe: (point) => [this.#stateOf(point), ...describe(point)],
      actions: (point) => this.#actions.ofPoint(point, this.#stateOf(point)),
      onClose: () => this.#pin(undefined),
    });
    this.#failures = new FailuresPart(pick);
    const results = new ResultsPart(sweep, () => this.refresh());
    this.element = el(
      'div',
      { set: { role: 'tabpanel', id: `panel-${sweep.id}`, 'aria-labelledby': `tab-${sweep.id}` } },
      this.#overview.element,
      titled('Points', 'points', this.#legend.element, this.#grid.element),
      this.#throughput.element,
      titled(
        'Running',
        'running',
        el('div', { class: 'split' }, this.#running.element, this.#console.element),
      ),
      ...[this.#failures.element, results.element],
    );
  }

  refresh(): void {
    const { status, states } = this.#sweep;
    this.#overview.show(this.#sweep);
    this.#actions.refresh();
    this.#grid.drawSoon();
    this.#legend.show(countStates(states));
    this.#throughput.show(this.#sweep);
    this.#failures.show(this.#sweep);
    if (!status) return;
    const before = this.#console.point;
    const shown = this.#pinned ?? this.#followed();
    const hasEnded = shown === before && shown !== undefined && this.#isRunning !== this.#runs(shown);
    this.#isRunning = shown !== undefined && this.#runs(shown);
    this.#console.open(shown, this.#pinned !== undefined);
    if (hasEnded) this.#console.lookOnce();
    this.#running.show(status, shown);
  }

  /** The point whose console is shown runs. */
  #isRunning = false;

  /** The one that was followed so far, as long as it runs; then the one that runs longest; the last one at the end. */
  #followed(): number | undefined {
    const { running } = this.#sweep.status ?? { running: [] };
    const current = this.#console.point;
    if (current !== undefined && this.#runs(current)) return current;
    const oldest = running.reduce<(typeof running)[number] | undefined>(
      (first, point) => (!first || Date.parse(point.since) < Date.parse(first.since) ? point : first),
      undefined,
    );
    return oldest?.index ?? current;
  }

  #runs(point: number): boolean {
    return this.#sweep.status?.running.some(({ index }) => index === point) ?? false;
  }

  #pin(point: number | undefined): void {
    this.#pinned = point;
    this.refresh();
    if (point !== undefined) this.#console.focus();
  }

  #stateOf(point: number) {
    return stateOfCode(this.#sweep.states[point] ?? 0);
  }

  #describe(point: number): string[] {
    const { table } = this.#sweep;
    return table && point < table.rows ? describeRow(table.columns, point) : [];
  }
}

const titled = (title: string, id: string, ...children: readonly HTMLElement[]): HTMLElement =>
  el(
    'section',
    { set: { 'aria-labelledby': `${id}-title` } },
    el('h2', { text: title, set: { id: `${id}-title` } }),
    ...children,
  );
