import { escapeText } from '../escape.js';

/** Text of HTML that is safe to be part of a page. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Content = Markup | string | number | undefined | false | readonly Content[];

/** A template of HTML: what is put into it is escaped, unless it is markup. */
export function html(pieces: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  let text = pieces[0] ?? '';
  for (const [index, content] of contents.entries()) text += textOf(content) + (pieces[index + 1] ?? '');
  return new Markup(text);
}

function textOf(content: Content): string {
  if (content === undefined || content === false) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'object') return content.map(textOf).join('');
  return escapeText(String(content));
}
