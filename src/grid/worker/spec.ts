import { basename, dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { instanceIdentity } from '../../instance/identity.js';
import { readCapped } from '../../sweep/observe/capped.js';
import { GvaError, errnoOf, messageOf } from '../../system/errors.js';
import { gridFiles } from '../../system/paths.js';
import { type Patience, isPassing, persistently } from './persistently.js';
import { type CheckedElement, type CheckedWork, elementSchema, workSchema } from './schema.js';

/** What a worker is to do, and where. */
export interface WorkerSpec {
  readonly element: CheckedElement;
  readonly work: CheckedWork;
  /** Absolute. */
  readonly sweep: string;
  /** Of the chunk that the element is of; absolute. */
  readonly chunk: string;
  /** Name of the element's file in it. */
  readonly name: string;
}

/** Bytes of a specification; points with many parameters take some hundred each. */
const longest = 256 << 20;

/**
 * Reads an element and what it has in common with others. The sweep's folder is the one that the element is in: it may
 * have another path here than where it was written.
 *
 * @throws GvaError GRID_SPEC
 */
export async function readSpec(file: string, patience: Patience): Promise<WorkerSpec> {
  const path = resolve(file);
  const chunk = dirname(path);
  const grid = dirname(dirname(chunk));
  if (basename(dirname(chunk)) !== gridFiles.chunks || basename(grid) !== gridFiles.folder)
    throw specError(path, `it is not in the folder ${gridFiles.folder}/${gridFiles.chunks}/ of a sweep`);
  const element = await read(path, elementSchema, patience);
  const workFile = join(grid, element.work);
  const work = await read(workFile, workSchema, patience);
  for (const { index, identity, parameters, files } of element.points)
    if (instanceIdentity(work.digest, work.base.digest, parameters, files) !== identity)
      throw specError(path, `point ${index} is not of the work in ${workFile}: they have other identities`);
  return { element, work, sweep: dirname(grid), chunk, name: basename(path) };
}

async function read<T extends z.ZodType>(path: string, schema: T, patience: Patience): Promise<z.output<T>> {
  const text = await persistently(`read ${path}`, () => readText(path), patience, mayAppear).catch(
    (error: unknown) => {
      throw specError(path, messageOf(error), error);
    },
  );
  const outcome = schema.safeParse(parse(path, text));
  if (outcome.success) return outcome.data;
  const problems = outcome.error.issues.map(
    ({ path: place, message }) => `${place.join('.') || 'it'}: ${message}`,
  );
  throw specError(path, problems.slice(0, 5).join('; '));
}

async function readText(path: string): Promise<string> {
  const text = await readCapped(path, longest);
  if (text !== undefined) return text;
  throw Object.assign(new Error('there is no such file'), { code: 'ENOENT' });
}

/** What another node has just written may come into sight late. */
export const mayAppear = (error: unknown) => errnoOf(error) === 'ENOENT' || isPassing(error);

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw specError(path, messageOf(error), error);
  }
}

const specError = (path: string, problem: string, cause?: unknown) =>
  new GvaError('GRID_SPEC', `cannot work by ${path}: ${problem}`, {
    hint: 'Such files are written by gva sweep run --grid, and read by the same version of GVA, or a later one.',
    cause,
  });
