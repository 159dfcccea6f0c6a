import type { Hit } from '../chart/scene.js';
import { el } from './dom.js';

/** What is said beside the pointer. */
export class Tooltip {
  readonly element = el('div', { class: 'tooltip', set: { 'aria-hidden': 'true' } });

  constructor() {
    this.hide();
  }

  /** @param over what the place of the hit counts from */
  show(hit: Hit | undefined, over: HTMLElement): void {
    this.element.hidden = hit === undefined;
    if (!hit) return;
    this.element.replaceChildren(...hit.lines.map((text) => el('div', { text })));
    const left = over.offsetLeft + hit.x;
    const room = over.offsetLeft + over.clientWidth;
    const isRight = left > room / 2;
    this.element.style.left = isRight ? '' : `${left + 12}px`;
    this.element.style.right = isRight ? `${room - left + 12}px` : '';
    this.element.style.top = `${over.offsetTop + Math.max(0, hit.y - 10)}px`;
  }

  hide(): void {
    this.element.hidden = true;
  }
}
