import { createHash } from 'node:crypto';
import { html, type Markup, Markup as Safe } from './markup.js';

/** What a page needs beside its content; neither has `</script` or `</style` in it. */
export interface PageAssets {
  readonly script: string;
  readonly style: string;
}

/** Data that the script reads: text that is never run. */

export interface DataBlock {
  readonly id: string;
  /** A media type that no browser takes for a script. */
  readonly type: 'application/gzip' | `image/${string}`;
  readonly base64: string;
}

/**
 * A page in one file, which loads nothing: its own script and style are allowed by their digests, and nothing else runs,
 * whatever a text of a guest's may say (Content Security Policy Level 3, W3C). Scripts cannot make HTML of text either.
 */
export function pageDocument(
  title: string,
  body: Markup,
  { script, style }: PageAssets,
  data: readonly DataBlock[] = [],
): string {
  for (const text of [script, style])
    if (/<\/(?:script|style)|<!--/i.test(text)) throw new Error('a script or style would end early');
  const policy = [
    "default-src 'none'",
    `script-src '${digestOf(script)}'`,
    `style-src '${digestOf(style)}'`,
    'img-src data: blob:',
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  const blocks = data.map(({ id, type, base64 }) => {
    if (!/^[\w+/=]*$/.test(base64)) throw new Error('data of a page are base64');
    return new Safe(`<script type="${type}" id="${id}">${base64}</script>\n`);
  });
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        ${new Safe(`<style>${style}</style>`)}
      </head>
      <body>
        ${body} ${blocks} ${new Safe(`<script>${script}</script>`)}
      </body>
    </html> `.text;
}

const digestOf = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}`;
