import { button, el } from '../dom.js';
import { fetchConsole } from './ask.js';
import { setText } from './overview-part.js';

/** Milliseconds between two looks at a console that goes on. */
const pause = 1000;

export interface ConsoleOptions {
  readonly sweep: string;
  /** Said of a point: its state, its parameters. */
  readonly describe: (point: number) => readonly string[];
  /** What can be done with it. */
  readonly actions: (point: number) => readonly HTMLElement[];
  readonly onClose: () => void;
}

/** What a point says on its console, while it runs and after. */
export class ConsolePart {
  readonly element: HTMLElement;
  readonly #options: ConsoleOptions;
  readonly #title = el('h3', { set: { tabindex: '-1' } });
  readonly #facts = el('p', { class: 'hint facts-line' });
  readonly #note = el('p', { class: 'hint' });
  readonly #text = el('pre', {
    class: 'console',
    set: { tabindex: '0', role: 'region', 'aria-label': 'Console' },
  });
  readonly #actions = el('div', { class: 'bar' });
  readonly #close: HTMLButtonElement;
  #point: number | undefined;
  #isLive = false;
  #isAsking = false;

  constructor(options: ConsoleOptions) {
    this.#options = options;
    this.#close = button('Follow what runs', 'Show the console of whatever runs longest', options.onClose);
    this.element = el(
      'div',
      { class: 'console-part' },
      this.#title,
      this.#facts,
      this.#actions,
      this.#note,
      this.#text,
    );
    setInterval(() => {
      if (this.#isLive && !document.hidden && this.element.isConnected) void this.#look();
    }, pause);
  }

  get point(): number | undefined {
    return this.#point;
  }

  /** @param isPinned somebody has chosen it */
  open(point: number | undefined, isPinned: boolean): void {
    const isOther = point !== this.#point;
    this.#point = point;
    this.#close.hidden = !isPinned;
    if (isOther) {
      this.#text.textContent = '';
      this.#isLive = true;
      void this.#look();
    }
    this.refresh();
  }

  /** Its state may be another one. */
  refresh(): void {
    const point = this.#point;
    setText(this.#title, point === undefined ? 'Console' : `Point ${point}`);
    const [state = '', ...parameters] = point === undefined ? [] : this.#options.describe(point);
    setText(this.#facts, [state, ...parameters].filter((text) => text !== '').join(' · '));
    if (point === undefined)
      setText(this.#note, 'Nothing runs. Choose a point in the grid to see what it has said.');
    this.#text.hidden = this.#text.textContent === '';
    const actions = point === undefined ? [] : this.#options.actions(point);
    const wanted = [...actions, this.#close];
    const labels = (elements: Iterable<Element>) =>
      Array.from(elements, (each) => each.textContent).join('|');
    // A button that has the focus stays the same one.
    if (labels(wanted) !== labels(this.#actions.children)) this.#actions.replaceChildren(...wanted);
  }

  focus(): void {
    this.#title.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: 'nearest' });
  }

  /** The point has ended: what it said last is in its results. */
  lookOnce(): void {
    void this.#look();
  }

  async #look(): Promise<void> {
    const point = this.#point;
    if (point === undefined || this.#isAsking) return;
    this.#isAsking = true;
    const tail = await fetchConsole(this.#options.sweep, point);
    this.#isAsking = false;
    if (point !== this.#point) {
      void this.#look();
      return;
    }
    if (!tail) return;
    this.#isLive = tail.live;
    setText(this.#note, tail.note ?? '');
    this.#note.hidden = tail.note === undefined;
    this.#show(tail.text);
  }

  /** Stays at the end, unless somebody reads further above. */
  #show(text: string): void {
    const { scrollTop, clientHeight, scrollHeight } = this.#text;
    const isAtEnd = scrollHeight - clientHeight - scrollTop < 8;
    setText(this.#text, text);
    this.#text.hidden = text === '';
    if (isAtEnd) this.#text.scrollTop = this.#text.scrollHeight;
  }
}
