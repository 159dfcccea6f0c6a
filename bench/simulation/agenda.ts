/** What is to happen, by its time: a binary heap. What has the same time happens in the order in which it was entered. */
export class Agenda {
  #now = 0;
  #count = 0;
  readonly #times: number[] = [];
  readonly #orders: number[] = [];
  readonly #actions: (() => void)[] = [];

  /** Seconds. */
  get now(): number {
    return this.#now;
  }

  at(time: number, action: () => void): void {
    if (!(time >= this.#now)) throw new Error(`${time} is before ${this.#now}`);
    let place = this.#times.length;
    const order = this.#count++;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#isLater(parent, time, order)) break;
      this.#move(parent, place);
      place = parent;
    }
    this.#put(place, time, order, action);
  }

  after(seconds: number, action: () => void): void {
    this.at(this.#now + seconds, action);
  }

  /** Until nothing is left, or `isOver`. */
  run(isOver: () => boolean): void {
    for (;;) {
      const action = isOver() ? undefined : this.#next();
      if (!action) return;
      action();
    }
  }

  #next(): (() => void) | undefined {
    const action = this.#actions[0];
    if (!action) return undefined;
    this.#now = this.#times[0] ?? NaN;
    const last = this.#actions.pop();
    const time = this.#times.pop() ?? NaN;
    const order = this.#orders.pop() ?? NaN;
    if (last && this.#actions.length > 0) this.#sink(time, order, last);
    return action;
  }

  #sink(time: number, order: number, action: () => void): void {
    const size = this.#times.length;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#isBefore(child + 1, child)) child++;
      if (this.#isLater(child, time, order)) break;
      this.#move(child, place);
      place = child;
    }
    this.#put(place, time, order, action);
  }

  #isLater(place: number, time: number, order: number): boolean {
    const there = this.#times[place] ?? NaN;
    return there > time || (there === time && (this.#orders[place] ?? NaN) > order);
  }

  #isBefore(a: number, b: number): boolean {
    return !this.#isLater(a, this.#times[b] ?? NaN, this.#orders[b] ?? NaN);
  }

  #move(from: number, to: number): void {
    this.#put(
      to,
      this.#times[from] ?? NaN,
      this.#orders[from] ?? NaN,
      this.#actions[from] ?? (() => undefined),
    );
  }

  #put(place: number, time: number, order: number, action: () => void): void {
    this.#times[place] = time;
    this.#orders[place] = order;
    this.#actions[place] = action;
  }
}

/** Something that serves one after the other, at a rate. */
export class Server {
  #free = 0;
  #busy = 0;

  /** @param rate units in a second */
  constructor(
    private readonly agenda: Agenda,
    private readonly rate: number,
  ) {}

  /** Seconds that it was, or will be, busy with what it has been given. */
  get busy(): number {
    return this.#busy;
  }

  /** @returns when so many units are served, which may be long after all that came before */
  serve(units: number): number {
    const seconds = units / this.rate;
    this.#busy += seconds;
    this.#free = Math.max(this.#free, this.agenda.now) + seconds;
    return this.#free;
  }
}
