import { type Phase, type Timeline, concurrency, phases } from '../timeline.js';
import { axesMarks, legendMarks } from './axes.js';
import { formatCount, formatSeconds } from './numbers.js';
import { durationScale, linearScale, niceDomain } from './scale.js';
import type { Frame, Mark, Scene } from './scene.js';

export const phaseLabels: Readonly<Record<Phase, string>> = {
  ...{ stage: 'staged', boot: 'boot', script: 'script', shutdown: 'shutdown', collect: 'collect' },
};

/** How many instances ran at each time, by what they were doing. */
export function concurrencyScene(timeline: Timeline, width: number, height: number): Scene {
  const { span, runs, pauses } = timeline;
  const frame: Frame = { left: 52, top: 32, right: width - 18, bottom: height - 48 };
  const bins = Math.max(1, Math.min(Math.floor((frame.right - frame.left) / 2), 600));
  const counts = concurrency(timeline, bins);
  const totals = Array.from({ length: bins }, (_, bin) =>
    phases.reduce((sum, phase) => sum + (counts[phase][bin] ?? 0), 0),
  );
  const most = Math.max(1, ...totals);
  const x = durationScale([0, span || 1], [frame.left, frame.right], width / 120);
  const y = linearScale([0, niceDomain(0, most, height / 60)[1]], [frame.bottom, frame.top], {
    count: Math.min(most, height / 60),
  });
  const at = (bin: number) => x.at(((bin + 0.5) * span) / bins);
  const xs = Array.from({ length: bins }, (_, bin) => at(bin));
  let lower = new Array<number>(bins).fill(0);
  const areas = phases.map((phase): Mark => {
    const upper = lower.map((low, bin) => low + (counts[phase][bin] ?? 0));
    const area = { upper: upper.map((value) => y.at(value)), lower: lower.map((value) => y.at(value)) };
    lower = upper;
    return { kind: 'area', xs, ...area, fill: phase };
  });
  const legend = phases.map((phase) => ({ label: phaseLabels[phase], paint: phase }));
  return {
    ...{ width, height },
    description: `${formatCount(runs.length)} instances in ${formatSeconds(span)}, at most ${Math.ceil(most)} at once`,
    marks: [
      ...axesMarks(
        frame,
        { scale: x, title: 'time since the first start' },
        { scale: y, title: 'instances' },
      ),
      ...areas,
      ...pauseMarks(pauses, x.at, frame),
      ...legendMarks(legend, frame, 12),
    ],
  };
}

/** Where nothing ran for long. */
export function pauseMarks(
  pauses: Timeline['pauses'],
  at: (seconds: number) => number,
  { top, bottom, left, right }: Frame,
): Mark[] {
  return pauses.flatMap(({ at: seconds, seconds: length }): Mark[] => {
    const x = at(seconds);
    if (x < left || x > right) return [];
    return [
      { kind: 'line', xs: [x, x], ys: [top, bottom], stroke: 'muted', width: 1, dash: [3, 3] },
      {
        ...{ kind: 'text', x: x - 4, y: top + 4, text: `nothing for ${formatSeconds(length)}`, size: 10 },
        ...{ fill: 'muted', anchor: 'end', baseline: 'top' },
      },
    ];
  });
}
