import { readFile, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, messageOf } from '../../system/errors.js';
import { readTextIfExists, writeFileAtomically } from '../../system/files.js';
import { templateFiles, templatesFolder } from '../../system/paths.js';
import { rememberedOf } from '../../system/remembered-digest.js';
import { digestSparse } from '../../system/sparse-digest.js';
import type { TemplateParts } from './key.js';

/** Files of a template whose content matters, by what they are: those of each, and those of an appliance's. */
const needed = ['memory', 'state', 'root'] as const;
const ofAppliance = ['app', 'data'] as const;
const contents = [...needed, ...ofAppliance] as const;
type ContentName = (typeof contents)[number];

interface Content {
  readonly size: number;
  /** As `digestSparse` has it. */
  readonly digest: string;
}
type Contents = Readonly<
  Record<(typeof needed)[number], Content> & Partial<Record<(typeof ofAppliance)[number], Content>>
>;

/** `template.json`. */
export interface TemplateManifest {
  readonly format: 'gva-template/1';
  readonly key: string;
  readonly parts: TemplateParts;
  readonly files: Contents;
  /** ISO 8601, UTC. */
  readonly madeAt: string;
  /** That it took to make. */
  readonly seconds: number;
}

/** A saved guest whose files were found to be what they were when it was made. */
export interface Template {
  readonly key: string;
  /** Absolute paths. */
  readonly folder: string;
  readonly memory: string;
  readonly state: string;
  readonly root: string;
  readonly app?: string;
  readonly data?: string;
}

/** What was wrong with one that was there. */
export interface Damage {
  readonly damage: string;
}

const isKey = (name: string) => /^[0-9a-f]{64}$/.test(name);

/** The templates of this user on this machine. What is wrong with one is a reason to make it again, never an error. */
export class TemplateCache {
  readonly folder: string;
  /** Of files that were found right by this process: path to identity. */
  readonly #known = new Map<string, string>();

  constructor(folder = templatesFolder()) {
    this.folder = folder;
  }

  /** The template of that key; undefined where there is none. One that is damaged is removed. */
  async find(key: string): Promise<Template | Damage | undefined> {
    const folder = join(this.folder, key);
    try {
      const text = await readTextIfExists(join(folder, templateFiles.manifest));
      if (text === undefined) return undefined;
      const manifest = JSON.parse(text) as TemplateManifest;
      await this.#check(folder, manifest, key);
      const now = new Date();
      await utimes(join(folder, templateFiles.manifest), now, now);
      return templateIn(folder, key, manifest.files);
    } catch (error) {
      await this.discard(key);
      return { damage: messageOf(error) };
    }
  }

  /** Whether the files of one that was found are still the same: one look at each. */
  async isUnchanged(template: Template): Promise<boolean> {
    const same = filesOf(template).map(async (file) => {
      const known = this.#known.get(file);
      return known !== undefined && known === (await identityOf(file).catch(() => undefined));
    });
    return (await Promise.all(same)).every(Boolean);
  }

  /** A clone was of no use: the second time, the template is removed. */
  async noteFailure({ folder, key }: Template): Promise<void> {
    const file = join(folder, templateFiles.failures);
    const before = Number(await readFile(file, 'utf8').catch(() => '0')) || 0;
    if (before > 0) await this.discard(key);
    else await writeFileAtomically(file, String(before + 1)).catch(() => undefined);
  }

  /** Machines that run from it are not disturbed: they have its files open. */
  async discard(key: string): Promise<void> {
    await rm(join(this.folder, key), { recursive: true, force: true });
  }

  /** Remembers that the files of a template that was just made are right. */
  async trust(template: Template): Promise<void> {
    for (const file of filesOf(template)) this.#known.set(file, await identityOf(file));
  }

  /** Keys of all that are there, whatever their state. */
  async keys(): Promise<string[]> {
    const names = await readdir(this.folder).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    });
    return names.filter(isKey);
  }

  async #check(folder: string, manifest: TemplateManifest, key: string): Promise<void> {
    if ((manifest.format as string) !== 'gva-template/1' || manifest.key !== key)
      throw new Error(`${templateFiles.manifest} is not its own`);
    for (const name of namesIn(manifest.files)) {
      const file = join(folder, templateFiles[name]);
      const { size, digest } = manifest.files[name] as Content;
      const identity = await identityOf(file);
      if (this.#known.get(file) === identity) continue;
      if ((await stat(file)).size !== size) throw new Error(`${templateFiles[name]} has another size`);
      if ((await contentDigest(file)) !== digest) throw new Error(`${templateFiles[name]} has other content`);
      this.#known.set(file, identity);
    }
  }
}

export function templateIn(folder: string, key: string, files: Contents): Template {
  const paths = namesIn(files).map((name) => [name, join(folder, templateFiles[name])] as const);
  return { key, folder, ...(Object.fromEntries(paths) as Omit<Template, 'key' | 'folder'>) };
}

const namesIn = (files: Contents) => [...needed, ...ofAppliance.filter((name) => files[name] !== undefined)];

const filesOf = (template: Template) => contents.flatMap((name) => template[name] ?? []);

/** What to write down of a template's files. */
export async function describeContents(folder: string): Promise<Contents> {
  const there = new Set(await readdir(folder));
  const names = [...needed, ...ofAppliance.filter((name) => there.has(templateFiles[name]))];
  const entries = names.map(async (name): Promise<[ContentName, Content]> => {
    const file = join(folder, templateFiles[name]);
    return [name, { size: (await stat(file)).size, digest: await contentDigest(file) }];
  });
  return Object.fromEntries(await Promise.all(entries)) as Contents;
}

/**
 * What a file has in it is remembered for one boot of the host only: the files are not forced to the disk when they are
 * made, and a host that crashes may keep their times and lose their content.
 */
async function contentDigest(file: string): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return rememberedOf(file, `sparse ${boot.trim()}`, templatesFolder(), () => digestSparse(file));
}

/** Changes whenever somebody writes to the file or puts another one in its place. */
async function identityOf(file: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}
