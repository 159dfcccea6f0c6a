import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { ParameterValues } from '../../src/model/parameter.js';
import type { Point } from '../../src/model/sweep.js';
import { type Plan, readPlan } from '../../src/sweep/plan/plan.js';
import { writeAppliance } from '../support/fake-appliance.js';

const manifest = `name: square
run: ./job.sh
parameters:
  n: { type: int, default: 7, min: 0, max: 1000 }
  m: { type: int, default: 1 }
  x: { type: float, default: 0.5 }
  y: { type: float, default: 0.5, min: -10, max: 10 }
  mode: { type: string, default: fast }
  odd: { type: int, default: 1, values: [1, 3, 5] }
  flag: { type: bool, default: false }
  seed: { type: int, default: 0 }
`;

/** A folder with an appliance `square` and plans for it. */
export class PlanFolder implements AsyncDisposable {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  async write(name: string, text: string | Uint8Array): Promise<string> {
    const path = join(this.folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    return path;
  }

  async plan(text: string): Promise<Plan> {
    return readPlan(await this.write('plan.yaml', `appliance: square\n${text}`));
  }

  async points(text: string): Promise<Point[]> {
    return [...(await this.plan(text)).points.points()];
  }

  /** Values of these parameters, point by point. */
  async rows(text: string, ...names: string[]): Promise<unknown[][]> {
    return (await this.points(text)).map(({ parameters }) => valuesOf(parameters, names));
  }

  /** Values of one parameter, point by point. */
  async column(text: string, name: string): Promise<unknown[]> {
    return (await this.rows(text, name)).flat();
  }

  /** The mistakes in a plan, as `LINE:COLUMN: message`; lines are those of the text. */
  async mistakes(text: string): Promise<string[]> {
    const path = await this.write('plan.yaml', `${text}\nappliance: square\n`);
    return this.mistakesOf(path);
  }

  async mistakesOf(path: string, appliance?: string): Promise<string[]> {
    try {
      await readPlan(path, { appliance });
    } catch (error) {
      expect(error).toMatchObject({ name: 'GvaError', code: 'PLAN_INVALID', exitCode: 2 });
      return (error as Error).message
        .replaceAll(`${path}:`, '')
        .replaceAll(`${this.folder}/`, '')
        .split('\n');
    }
    throw new Error('the plan has no mistakes');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

export const valuesOf = (parameters: ParameterValues, names: readonly string[]) =>
  names.map((name) => parameters[name]);

export async function makePlanFolder(): Promise<PlanFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'gva-unit-'));
  await writeAppliance(folder, manifest);
  return new PlanFolder(folder);
}
