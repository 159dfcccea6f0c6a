import { button, el } from '../dom.js';

export interface Question {
  readonly title: string;
  readonly text: string;
  /** What is on the button that does it. */
  readonly yes: string;
  readonly no: string;
  /** Does it; what it throws is shown. */
  readonly act: () => Promise<void>;
}

/** Asks before something is done that cannot be taken back; Esc and the first button do nothing. */
export function confirmFirst({ title, text, yes, no, act }: Question): void {
  const problem = el('p', { class: 'problem', set: { role: 'alert' } });
  const keep = button(no, 'Change nothing (Esc)', () => dialog.close());
  const go = button(yes, text, () => {
    go.disabled = true;
    go.textContent = 'Asking…';
    act().then(
      () => dialog.close(),
      (error: unknown) => {
        problem.textContent = error instanceof Error ? error.message : String(error);
        go.disabled = false;
        go.textContent = yes;
      },
    );
  });
  go.className = 'danger';
  const body = el(
    'div',
    { class: 'details' },
    el('p', { text }),
    problem,
    el('div', { class: 'bar' }, keep, go),
  );
  const head = el('header', {}, el('h2', { text: title, set: { id: 'question' } }));
  const dialog = el('dialog', { class: 'question', set: { 'aria-labelledby': 'question' } }, head, body);
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  keep.focus();
}
