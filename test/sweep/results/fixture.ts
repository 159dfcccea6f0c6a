import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ParameterValues } from '../../../src/model/parameter.js';
import type { InstanceTimes } from '../../../src/model/result.js';
import type { PointRecord } from '../../../src/sweep/store/rows.js';
import type { ResultsSource } from '../../../src/sweep/results/table.js';

/** A directory for one test, removed after it. */
export function scratch(): string {
  const path = mkdtempSync(join(tmpdir(), 'gva-results-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export const times: InstanceTimes = {
  ...{ staged: 0.009, booted: 0.486, ready: 0.579, scriptsStarted: 0.584 },
  ...{ scriptsEnded: 0.618, poweredOff: 0.641, collected: 0.649 },
};

export interface TestPoint {
  readonly parameters: ParameterValues;
  /** Undefined: not touched. */
  readonly record?: Partial<PointRecord>;
}

export function sourceOf(names: readonly string[], points: readonly TestPoint[]): ResultsSource {
  return {
    points: { names, points: () => points.map(({ parameters }, index) => ({ index, parameters })) },
    *ends() {
      for (const [number, { record }] of points.entries())
        if (record) yield { number, state: 'done', attempts: 1, status: 0, times, ...record };
    },
    *data() {
      for (const { record } of points) if (record) yield record.data;
    },
    folderOf: (index) => `points/${index}`,
  };
}

/** A reader of RFC 4180, written from its grammar: nothing else passes. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (!match) throw new Error('no CSV');
    row.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}
