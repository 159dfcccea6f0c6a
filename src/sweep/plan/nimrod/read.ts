import type { ParameterDeclaration } from '../../../model/parameter.js';
import { GvaError } from '../../../system/errors.js';
import { axisGroup } from '../axis.js';
import type { Entry } from '../entry.js';
import type { FilePattern } from '../file-pattern.js';
import { filesMatching } from '../matching.js';
import type { FileMistakes } from '../mistakes.js';
import { readAxis } from '../read-axis.js';
import type { PlanContext } from '../read/context.js';
import type { Group } from '../row.js';
import { Template } from '../template.js';
import { type NimrodParameter, readParameter } from './parameters.js';
import { readStatements } from './statements.js';
import { type NimrodTask, readTasks } from './task.js';

/** A Nimrod plan, read but not yet held against an appliance. */
export interface NimrodPlan {
  readonly parameters: readonly NimrodParameter[];
  readonly task: NimrodTask;
  readonly notes: readonly string[];
}

/**
 * Reads a Nimrod plan file (Nimrod/G; the dialects of Nimrod Portal and of UQ-RCC's Nimrod/G). Everything that has no
 * meaning here is told as a mistake or in the notes.
 */
export function parseNimrod(text: string, mistakes: FileMistakes): NimrodPlan {
  const file = readStatements(text, mistakes);
  const parameters: NimrodParameter[] = [];
  for (const words of file.parameters) {
    const parameter = readParameter(words, mistakes);
    if (!parameter) continue;
    const { name } = parameter.declaration;
    const { line, column } = parameter.place;
    if (parameters.some(({ declaration }) => declaration.name === name))
      mistakes.add(line, column, `parameter ${name} is there twice`);
    else parameters.push(parameter);
  }
  const task = readTasks(file.tasks, mistakes);
  const asides = parameters.flatMap(({ note }) => note ?? []);
  return { parameters, task, notes: [...file.notes, ...asides, ...taskNotes(task)] };
}

function taskNotes({ commands, results }: NimrodTask): string[] {
  const byIndex = [...commands, ...results].some((text) => jobIndex.test(text));
  return [
    ...(results.length > 0
      ? ['what the task copies back is what it leaves in /output: all of it comes home']
      : []),
    ...(byIndex
      ? ['a job index has no meaning in an instance, and need not be in names: each point has its own folder']
      : []),
  ];
}

const jobIndex = /\$\{?(?:nimrod_)?job(?:index|name)\b\}?/;

/** The points of the plan; undefined, and told, where something does not fit the parameters of the context. */
export async function nimrodGroups(
  { parameters }: NimrodPlan,
  context: PlanContext,
  mistakes: FileMistakes,
): Promise<Group[] | undefined> {
  const groups: Group[] = [];
  for (const { declaration, values, place } of parameters) {
    const entry = mistakes.at(place.line, place.column, values, [declaration.name]);
    const number = context.parameters.findIndex(({ name }) => name === declaration.name);
    const wanted = context.parameters[number];
    if (!wanted) entry.fail(context.unknown(declaration.name));
    const axis = wanted && (await readAxis(wanted, entry, context));
    if (axis) groups.push(axisGroup(number, axis));
  }
  return groups.length === parameters.length ? groups : undefined;
}

/** The files that the task copies to the node, as patterns; those that are told to be wrong are left out. */
export async function nimrodFiles(
  { task }: NimrodPlan,
  { folder, parameters }: PlanContext,
  mistakes: FileMistakes,
): Promise<FilePattern[]> {
  const patterns: FilePattern[] = [];
  for (const { source, name, place } of task.files) {
    const entry = mistakes.at(place.line, place.column);
    const several = /[*?]/.test(source) && !source.includes('$');
    const sources = several ? await filesMatching(source, folder) : [source];
    if (sources.length === 0) entry.fail(`no file matches ${source}`);
    if (/[*?]/.test(source) && !several) entry.fail('a pattern with a parameter in it cannot be copied');
    for (const path of sources) {
      const read = (text: string) => readText(text, parameters, entry);
      const from = read(path);
      const to = name === undefined ? undefined : read(name);
      if (from && (to || name === undefined))
        patterns.push({ source: from, ...(to ? { name: to } : {}), folder, entry });
    }
  }
  return patterns;
}

/** A text of Nimrod with `$x` and `${x}` in it. */
function readText(
  text: string,
  parameters: readonly ParameterDeclaration[],
  entry: Entry,
): Template | undefined {
  // Braces of the text stand for themselves, dollars for values; Nimrod's jobs are numbered from 1.
  const template = text.replace(
    /\$\{(\w+)\}|\$([A-Za-z_]\w*)|[{}]/g,
    (all, braced?: string, bare?: string) => {
      const name = braced ?? bare;
      return name === undefined ? all + all : jobIndex.test(all) ? '{number}' : `{${name}}`;
    },
  );
  try {
    return new Template(template, parameters);
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    return entry.fail(error.message);
  }
}
