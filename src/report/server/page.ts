import { html } from '../html/markup.js';

/** The frame of the live page; its script fills it. What is in it is the same for everybody. */
export const livePage = (version: string): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>GVA: sweeps</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/style.css" />
        <script src="/live.js" defer></script>
      </head>
      <body class="live-page">
        <a class="skip" href="#main">Skip to the content</a>
        <div id="top"></div>
        <main id="main" tabindex="-1">
          <noscript
            ><p class="hint">This page needs JavaScript. On a terminal: gva sweep watch SWEEP</p></noscript
          >
        </main>
        <footer>GVA ${version}. This page loads nothing from elsewhere.</footer>
      </body>
    </html> `.text;
