import { open, readFile, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { type ApplianceSource, loadSource, sourcePlace } from '../../appliance/source.js';
import { inputFile } from '../../instance/input-files.js';
import type { InputFile } from '../../instance/identity.js';
import type { ParameterDeclaration } from '../../model/parameter.js';
import { GvaError, errnoOf, messageOf } from '../../system/errors.js';
import { YamlFile } from '../../system/yaml.js';
import { checkFirstFiles } from './check-files.js';
import { merged } from './chosen.js';
import type { Part } from './concatenation.js';
import { type Entry, isMapping } from './entry.js';
import { type FilePattern, isByIndex, isConstant, readFilePatterns } from './file-pattern.js';
import { Mistakes } from './mistakes.js';
import { type NimrodPlan, nimrodFiles, nimrodGroups, parseNimrod } from './nimrod/read.js';
import { isNimrodPlan } from './nimrod/tokens.js';
import type { PlanFactor, PlanOutline } from './plan.js';
import { PointFiles } from './point-files.js';
import { GroupPoints } from './points.js';
import { crossed } from './product.js';
import { type PlanContext, defaultsOf } from './read/context.js';
import { type Factor, groupNames, readGroup } from './read/group.js';
import { type OutputWishes, readOutputWishes } from './read/outputs.js';
import { readOrder } from './read/order.js';
import { columnRules } from './read/table-entry.js';
import type { Group } from './row.js';
import { tableFormat } from './table/cells.js';
import { readTable } from './table/table.js';

/** Bytes of a plan; longer ones are tables. */
const longestPlan = 64 << 20;
/** Plans within plans. */
const deepest = 16;

const topNames = ['appliance', 'files', 'keep', 'collect-every', 'gather', 'order', ...groupNames];

/** What a plan says, held against the parameters. */
interface Content {
  readonly group: Group | undefined;
  /** What the group sets, where that is known though something else is wrong with it. */
  readonly sets?: ReadonlySet<number> | undefined;
  readonly files: readonly FilePattern[];
  readonly factors: readonly Factor[];
  readonly wishes?: OutputWishes;
}

type Outline = Omit<PlanOutline, 'notes'> & { notes: string[] };

/** Reads one plan, with all that it joins. */
export class PlanLoader {
  readonly #name: string;
  readonly #file: string;
  readonly #appliance: string | undefined;
  readonly #configuration: string | undefined;
  readonly #text: string | undefined;
  readonly #mistakes = new Mistakes();
  readonly #notes: string[] = [];
  /** Files that are being read: one joins the next. */
  readonly #open: string[] = [];
  #source: ApplianceSource | undefined;
  #places = 0;
  #joinedFiles = false;

  /**
   * @param appliance absolute; undefined where the plan names it
   * @param configuration id of a deployment option; the appliance's default where undefined
   * @param text of YAML, instead of what the file says
   */
  constructor(name: string, appliance: string | undefined, configuration?: string, text?: string) {
    this.#name = name;
    this.#file = resolve(name);
    this.#appliance = appliance;
    this.#configuration = configuration;
    this.#text = text;
  }

  #load(appliance: string): Promise<ApplianceSource> {
    return loadSource(appliance, { configuration: this.#configuration });
  }

  /** @throws GvaError as `readPlan()` */
  async load(): Promise<Outline> {
    this.#open.push(this.#file);
    if (this.#text !== undefined) return this.#loadYaml(this.#text);
    if (tableFormat(this.#name)) return this.#loadTable();
    const text = await readText(this.#file, this.#name);
    return isNimrodPlan(text) ? this.#loadNimrod(text) : this.#loadYaml(text);
  }

  async #loadTable(): Promise<Outline> {
    if (this.#appliance === undefined)
      throw new GvaError('APPLIANCE_MISSING', `the table ${this.#name} names no appliance`, {
        hint: 'Say which one: --appliance DIR; or write a plan with appliance: and table:.',
      });
    this.#source = await this.#load(this.#appliance);
    const { parameters } = this.#source.appliance;
    const content = await this.#tableContent(
      this.#file,
      this.#name,
      this.#context(this.#file, this.#name, parameters),
    );
    const text = await firstLine(this.#file).catch(() => '');
    return this.#finish(text, parameters, content, this.#mistakes.topOf(this.#name));
  }

  async #loadNimrod(text: string): Promise<Outline> {
    if (this.#appliance !== undefined) this.#source = await this.#load(this.#appliance);
    const plan = parseNimrod(text, this.#mistakes.ofFile(this.#name));
    const parameters =
      this.#source?.appliance.parameters ?? plan.parameters.map(({ declaration }) => declaration);
    this.#notes.push(...plan.notes);
    const content = await this.#nimrodContent(
      plan,
      this.#name,
      this.#context(this.#file, this.#name, parameters),
    );
    const outline = await this.#finish(text, parameters, content, this.#mistakes.topOf(this.#name));
    return { ...outline, task: plan.task };
  }

  async #loadYaml(text: string): Promise<Outline> {
    const yaml = new YamlFile(text, this.#name);
    const top = this.#mistakes.entryOf(yaml);
    if (yaml.broken) this.#mistakes.throwIfAny();
    this.#source = await this.#findAppliance(top);
    const parameters = this.#source?.appliance.parameters ?? [];
    if (!this.#source) {
      await checkForm(top, dirname(this.#file));
      this.#mistakes.throwIfAny();
    }
    const content = await this.#yamlContent(top, this.#context(this.#file, this.#name, parameters));
    const order = readOrder(top.at('order'), parameters);
    const outline = await this.#finish(text, parameters, content, top.at('parameters'));
    return order ? { ...outline, order } : outline;
  }

  /** A missing appliance is a mistake of the plan; mistakes within the appliance are told as such. */
  async #findAppliance(top: Entry): Promise<ApplianceSource | undefined> {
    if (!isMapping(top.value)) return top.fail('a plan is a mapping: appliance: DIR, parameters: ...');
    if (this.#appliance !== undefined) return this.#load(this.#appliance);
    const entry = top.at('appliance');
    if (entry.value === undefined) return top.fail('appliance is missing');
    if (typeof entry.value !== 'string' || entry.value === '')
      return entry.fail('must be the folder of an appliance');
    try {
      return await this.#load(resolve(dirname(this.#file), entry.value));
    } catch (error) {
      if (error instanceof GvaError && error.code === 'APPLIANCE_MISSING') return entry.fail(error.message);
      throw error;
    }
  }

  #context(file: string, name: string, parameters: readonly ParameterDeclaration[]): PlanContext {
    const title = this.#source?.appliance.name ?? 'the plan';
    const known = parameters.map((parameter) => parameter.name).join(', ');
    const context: PlanContext = {
      parameters,
      folder: dirname(file),
      mistakes: this.#mistakes,
      unknown: () =>
        known === ''
          ? `${title} has no parameters`
          : `${title} has no such parameter; its parameters: ${known}`,
      note: (text) => this.#notes.push(text),
      newPlace: () => this.#places++,
      join: (path, entry) =>
        this.#join(
          resolve(dirname(file), path),
          isAbsolute(path) ? path : join(dirname(name), path),
          entry,
          context,
        ),
    };
    return context;
  }

  async #yamlContent(top: Entry, context: PlanContext): Promise<Content> {
    const factors: Factor[] = [];
    top.only(...topNames);
    const group = await readGroup(top, context, false, (factor) => factors.push(factor));
    const sets = group?.sets ?? namedIn(top, context.parameters);
    const files = readFilePatterns(top.at('files'), context.folder, context.parameters);
    return { group, sets, factors, files, wishes: await readOutputWishes(top, context.folder) };
  }

  async #tableContent(file: string, name: string, context: PlanContext): Promise<Content> {
    const format = tableFormat(file) ?? 'csv';
    let sets: ReadonlySet<number> | undefined;
    const onColumns = (found: ReadonlySet<number>) => (sets = found);
    const rules = { ...columnRules(context), onColumns };
    const group = await readTable({ path: file, name, format }, rules, this.#mistakes);
    return { group, sets, files: [], factors: group ? [{ name: 'table', group }] : [] };
  }

  async #nimrodContent(plan: NimrodPlan, name: string, context: PlanContext): Promise<Content> {
    const mistakes = this.#mistakes.ofFile(name);
    const groups = await nimrodGroups(plan, context, mistakes);
    const files = await nimrodFiles(plan, context, mistakes);
    const factors = (groups ?? []).map((group) => ({ name: 'parameter', group }));
    return { group: groups && crossed(groups), files, factors };
  }

  async #join(file: string, name: string, entry: Entry, context: PlanContext): Promise<Part | undefined> {
    if (this.#open.includes(file)) return entry.fail(`${name} joins itself`);
    if (this.#open.length >= deepest) return entry.fail(`plans are joined more than ${deepest} deep`);
    this.#open.push(file);
    try {
      const { group, files, wishes } = await this.#joinedContent(
        file,
        name,
        this.#context(file, name, context.parameters),
      );
      this.#joinedFiles ||= files.length > 0;
      const unused = Object.keys(wishes ?? {}).join(' and ');
      if (unused !== '') this.#notes.push(`${unused} of ${name} does not count: it is joined`);
      return group && { group, files, fill: [] };
    } catch (error) {
      if (error instanceof GvaError && error.code === 'PLAN_MISSING') return entry.fail<Part>(error.message);
      throw error;
    } finally {
      this.#open.pop();
    }
  }

  async #joinedContent(file: string, name: string, context: PlanContext): Promise<Content> {
    if (tableFormat(file)) return this.#tableContent(file, name, context);
    const text = await readText(file, name);
    if (isNimrodPlan(text)) {
      const plan = parseNimrod(text, this.#mistakes.ofFile(name));
      this.#notes.push(...plan.notes);
      return this.#nimrodContent(plan, name, context);
    }
    const yaml = new YamlFile(text, name);
    const top = this.#mistakes.entryOf(yaml);
    if (yaml.broken) return { group: undefined, files: [], factors: [] };
    this.#checkSameAppliance(top.at('appliance'), context.folder);
    if (top.has('order')) this.#notes.push(`${name}: order: means nothing in a plan that is joined`);
    return this.#yamlContent(top, context);
  }

  #checkSameAppliance(entry: Entry, folder: string): void {
    const { value } = entry;
    if (value === undefined || this.#appliance !== undefined) return;
    if (typeof value !== 'string') entry.fail('must be the folder of an appliance');
    else if (!this.#source || resolve(folder, value) !== sourcePlace(this.#source))
      entry.fail(`is another appliance than that of ${this.#name}`);
  }

  /** Puts defaults where nothing is set, and looks for the files. @param top where missing values are told */
  async #finish(
    text: string,
    parameters: readonly ParameterDeclaration[],
    { group, sets = group?.sets, files: patterns, factors, wishes }: Content,
    top: Entry,
  ): Promise<Outline> {
    const unset = parameters.map((_, number) => number).filter((number) => !sets?.has(number));
    if (sets) defaultsOf(unset, top, { parameters });
    const common = await findCommonFiles(patterns.filter(isConstant));
    this.#mistakes.throwIfAny();
    if (!group) throw new Error('a plan without points was read without a mistake');
    const single = patterns.some(isByIndex) ? group : merged(group);
    const points = new GroupPoints(single, parameters);
    const own = patterns.filter((pattern) => !isConstant(pattern));
    const files = new PointFiles(common, own, points, this.#joinedFiles);
    await checkFirstFiles(points, files);
    this.#mistakes.throwIfAny();
    const told = factors
      .map((factor) => describe(factor, parameters))
      .filter(({ names }) => names.length > 0);
    return {
      ...{ name: this.#name, file: this.#file, text, source: this.#source, parameters },
      ...{ points, files, factors: told, notes: this.#notes, ...wishes },
    };
  }
}

async function readText(file: string, name: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > longestPlan)
      throw new GvaError('PLAN_MISSING', `the plan ${name} is larger than ${longestPlan >> 20} MiB`, {
        hint: 'Put its points into a table (CSV, TSV or JSON Lines): table: FILE',
      });
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof GvaError) throw error;
    const hint =
      errnoOf(error) === 'EISDIR'
        ? 'A plan is a YAML file; gva init makes an appliance with one, plan.yaml.'
        : 'A plan is a YAML file such as:\n  appliance: ./square\n  parameters:\n    n: { range: [1, 12] }';
    throw new GvaError('PLAN_MISSING', `cannot read the plan ${name}: ${messageOf(error)}`, {
      hint,
      cause: error,
    });
  }
}

async function firstLine(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
    return buffer.toString('utf8', 0, bytesRead).split(/\r?\n/, 1)[0] ?? '';
  } finally {
    await handle.close();
  }
}

/** What can be told of a plan without its appliance. */
async function checkForm(top: Entry, folder: string): Promise<void> {
  top.only(...topNames);
  await readOutputWishes(top, folder);
  if (top.has('parameters')) top.at('parameters').fields('must be parameters with their values');
}

/** The parameters that a plan names, where it has them under `parameters:` alone. */
function namedIn(top: Entry, parameters: readonly ParameterDeclaration[]): ReadonlySet<number> | undefined {
  const others = groupNames.filter((name) => name !== 'parameters' && name !== 'where' && top.has(name));
  const named = top.at('parameters').value;
  if (others.length > 0 || !isMapping(named)) return undefined;
  return new Set(parameters.flatMap(({ name }, number) => (Object.hasOwn(named, name) ? [number] : [])));
}

/** Files that all points have; those that are told to be wrong are left out. */
async function findCommonFiles(patterns: readonly FilePattern[]): Promise<InputFile[]> {
  const files: InputFile[] = [];
  for (const { source, name, folder, entry } of patterns) {
    const path = resolve(folder, source.expand([], 0));
    try {
      files.push(await inputFile(path, name?.expand([], 0) ?? basename(path), files));
    } catch (error) {
      if (!(error instanceof GvaError)) throw error;
      entry.fail(error.message);
    }
  }
  return files;
}

function describe({ name, group }: Factor, parameters: readonly ParameterDeclaration[]): PlanFactor {
  const names = [...group.sets].sort((a, b) => a - b).map((number) => parameters[number]?.name ?? '');
  return { names, entry: name, size: group.size, exact: group.exact };
}
