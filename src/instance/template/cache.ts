import { readFile, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, messageOf } from '../../system/errors.js';
import { readTextIfExists, writeFileAtomically } from '../../system/files.js';
import { templateFiles, templatesFolder } from '../../system/paths.js';
import { rememberedOf } from '../../system/remembered-digest.js';
import { digestSparse } from '../../system/sparse-digest.js';
import type { TemplateParts } from './key.js';

/** Files of a template whose content matters, by what they are. */
const contents = ['memory', 'state', 'root'] as const;
type ContentName = (typeof contents)[number];

/** `template.json`. */
export interface TemplateManifest {
  readonly format: 'gva-template/1';
  readonly key: string;
  readonly parts: TemplateParts;
  /** Digests are those of `digestSparse`. */
  readonly files: Readonly<Record<ContentName, { readonly size: number; readonly digest: string }>>;
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
      return templateIn(folder, key);
    } catch (error) {
      await this.discard(key);
      return { damage: messageOf(error) };
    }
  }

  /** Whether the files of one that was found are still the same: one look at each. */
  async isUnchanged(template: Template): Promise<boolean> {
    const files = contents.map((name) => template[name]);
    const same = files.map(async (file) => {
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
    for (const name of contents) this.#known.set(template[name], await identityOf(template[name]));
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
    for (const name of contents) {
      const file = join(folder, templateFiles[name]);
      const { size, digest } = manifest.files[name];
      const identity = await identityOf(file);
      if (this.#known.get(file) === identity) continue;
      if ((await stat(file)).size !== size) throw new Error(`${templateFiles[name]} has another size`);
      if ((await contentDigest(file)) !== digest) throw new Error(`${templateFiles[name]} has other content`);
      this.#known.set(file, identity);
    }
  }
}

export const templateIn = (folder: string, key: string): Template => ({
  ...{ key, folder },
  memory: join(folder, templateFiles.memory),
  state: join(folder, templateFiles.state),
  root: join(folder, templateFiles.root),
});

/** What to write down of a template's files. */
export async function describeContents(folder: string): Promise<TemplateManifest['files']> {
  const entries = contents.map(async (name) => {
    const file = join(folder, templateFiles[name]);
    return [name, { size: (await stat(file)).size, digest: await contentDigest(file) }] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as TemplateManifest['files'];
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
