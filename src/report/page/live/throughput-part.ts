import { throughputChart } from '../../chart/throughput.js';
import type { LiveTable } from '../../live/protocol.js';
import { type Throughput, endings, throughputOf } from '../../throughput.js';
import { ChartView } from '../chart-view.js';
import { el } from '../dom.js';
import type { KnownSweep } from './store.js';

/** Milliseconds by which the table may be behind: that nothing ended in them is not known. */
const lag = 30_000;
const height = 170;

/** How many points ended per minute, over time. */
export class ThroughputPart {
  readonly element: HTMLElement;
  readonly #chart: ChartView;
  #table: LiveTable | undefined;
  #ends: Float64Array = new Float64Array(0);
  #throughput: Throughput | undefined;

  constructor() {
    const make = (width: number) => this.#throughput && throughputChart(this.#throughput, width, height);
    this.#chart = new ChartView({ make, height });
    this.element = el(
      'section',
      { set: { 'aria-labelledby': 'throughput-title' } },
      el('h2', { text: 'Throughput', set: { id: 'throughput-title' } }),
      this.#chart.element,
    );
    this.element.hidden = true;
  }

  show({ status, table }: KnownSweep): void {
    if (!status || !table) return;
    if (table !== this.#table) {
      this.#table = table;
      this.#ends = endings(table.columns, table.rows);
    }
    const last = this.#ends.at(-1) ?? NaN;
    const to = status.ended ? last : Math.max(last, Date.parse(status.at) - lag);
    const before = JSON.stringify(this.#throughput);
    this.#throughput = throughputOf(this.#ends, Date.parse(status.startedAt), to);
    this.element.hidden = this.#throughput === undefined;
    if (JSON.stringify(this.#throughput) !== before) this.#chart.draw();
  }
}
