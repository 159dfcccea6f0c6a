import type { Paint, Scene } from '../chart/scene.js';
import { sceneToSvg } from '../chart/svg.js';
import { Markup } from './markup.js';

/** The colours of the page's style sheet, light or dark. */
const colour = (paint: Paint) => (paint.startsWith('#') ? paint : `var(--${paint})`);

/** A scene as a picture in a page, as wide as there is room. */
export const inlineChart = (scene: Scene): Markup =>
  new Markup(sceneToSvg(scene, { colour, font: 'inherit' }, ' class="chart"'));
