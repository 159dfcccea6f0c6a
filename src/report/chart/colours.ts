import type { Paint, Token } from './scene.js';

/**
 * Colours on white, for print. Series follow Okabe and Ito (2008), "Color Universal Design", which people with any
 * kind of colour vision tell apart, somewhat darkened for thin lines.
 */
export const printColours: Readonly<Record<Token, string>> = {
  ...{ ink: '#1b2024', muted: '#5b646c', grid: '#e3e6e8', surface: '#ffffff', accent: '#0b6a8f' },
  ...{ done: '#2f7f9e', failed: '#c8402f', lost: '#d99a1c', cancelled: '#7d6f9b' },
  ...{ running: '#63a375', pending: '#c5cacf' },
  ...{ stage: '#9aa3ab', boot: '#d9a441', script: '#2f7f9e', shutdown: '#b98aa8', collect: '#63a375' },
  ...{ series1: '#0b6fa4', series2: '#d1602a', series3: '#12876a', series4: '#a6568c' },
  ...{ series5: '#b8860b', series6: '#4a90c2', series7: '#6b6f76', series8: '#7a4fa3' },
};

const seriesTokens = [
  ...(['series1', 'series2', 'series3', 'series4'] as const),
  ...(['series5', 'series6', 'series7', 'series8'] as const),
];
/** Series that can be told apart. */
export const mostSeries = seriesTokens.length;
export const seriesToken = (index: number): Token => seriesTokens[index % mostSeries] ?? 'series1';

/** Viridis (van der Walt and Smith, 2015): even steps of lightness, also for who sees few colours. */
const viridis = [
  ...['#440154', '#482878', '#3e4a89', '#31688e', '#26828e'],
  ...['#1f9e89', '#35b779', '#6ece58', '#b5de2b', '#fde725'],
];

/** @param share 0 to 1 */
export function sequentialColour(share: number): Paint {
  const place = Math.min(1, Math.max(0, share)) * (viridis.length - 1);
  const index = Math.min(viridis.length - 2, Math.floor(place));
  const [low = '', high = ''] = viridis.slice(index, index + 2);
  return mix(low, high, place - index);
}

function mix(low: string, high: string, share: number): Paint {
  const part = (at: number) => {
    const [a, b] = [low, high].map((colour) => parseInt(colour.slice(at, at + 2), 16));
    return Math.round((a ?? 0) + ((b ?? 0) - (a ?? 0)) * share)
      .toString(16)
      .padStart(2, '0');
  };
  return `#${part(1)}${part(3)}${part(5)}`;
}
