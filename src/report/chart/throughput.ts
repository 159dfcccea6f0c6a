import type { Throughput } from '../throughput.js';
import { axesMarks } from './axes.js';
import { formatNumber, formatSeconds } from './numbers.js';
import { durationScale, linearScale, niceDomain } from './scale.js';
import type { Chart, Frame } from './scene.js';

/** How many points ended per minute, over time: a step for each part. */
export function throughputChart({ span, perMinute }: Throughput, width: number, height: number): Chart {
  const frame: Frame = { left: 62, top: 14, right: width - 18, bottom: height - 48 };
  const most = Math.max(...perMinute) || 1;
  const x = durationScale([0, span], [frame.left, frame.right], width / 120);
  const y = linearScale([0, niceDomain(0, most, height / 60)[1]], [frame.bottom, frame.top], {
    count: height / 60,
  });
  const part = span / perMinute.length;
  const xs = perMinute.flatMap((_, index) => [x.at(index * part), x.at((index + 1) * part)]);
  const ys = perMinute.flatMap((rate) => [y.at(rate), y.at(rate)]);
  const mean = perMinute.reduce((sum, rate) => sum + rate, 0) / perMinute.length;
  const said = (rate: number) => formatNumber(rate, 3);
  return {
    scene: {
      ...{ width, height },
      description: `Points that ended per minute in ${formatSeconds(span)}: ${said(mean)} on the average, at most ${said(most)}`,
      marks: [
        ...axesMarks(frame, { scale: x, title: 'time since the start' }, { scale: y, title: 'per minute' }),
        { kind: 'area', xs, upper: ys, lower: xs.map(() => frame.bottom), fill: 'accent', opacity: 0.18 },
        { kind: 'line', xs, ys, stroke: 'accent', width: 1.8 },
      ],
    },
    hit: (px, py) => {
      if (px < frame.left || px > frame.right || py < frame.top || py > frame.bottom) return undefined;
      const index = Math.min(
        perMinute.length - 1,
        Math.floor(((px - frame.left) / (frame.right - frame.left)) * perMinute.length),
      );
      const rate = perMinute[index] ?? 0;
      const when = `${formatSeconds(index * part)} to ${formatSeconds((index + 1) * part)}`;
      return { x: px, y: y.at(rate), rows: [], lines: [`${said(rate)} points per minute`, when] };
    },
  };
}
