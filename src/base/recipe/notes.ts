import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaseManifest } from '../../model/base.js';
import { digestText, ensureFolder, readTextIfExists, writeFileAtomically } from '../../system/files.js';
import { recipeNotesFolder } from '../../system/paths.js';

/** A recipe that was built on this machine, and what its base had then. The base may be gone. */
export interface RecipeNote extends Pick<BaseManifest, 'name' | 'os' | 'arch' | 'distribution' | 'packages'> {
  readonly format: 'gva-recipe-note/1';
  /** Of the recipe; absolute. */
  readonly file: string;
  /** ISO 8601, UTC. */
  readonly builtAt: string;
}

/** Notes what a recipe has made; of each file the last time counts. Nothing fails for want of the note. */
export async function noteRecipe(file: string, manifest: BaseManifest): Promise<void> {
  const { name, os, arch, distribution, packages, builtAt } = manifest;
  const note: RecipeNote = {
    ...{ format: 'gva-recipe-note/1', file, name, os, arch, packages },
    ...(distribution && { distribution }),
    builtAt: builtAt ?? new Date().toISOString(),
  };
  const target = join(recipeNotesFolder(), `${digestText(`${file} ${name}`).slice(0, 32)}.json`);
  await ensureFolder(recipeNotesFolder())
    .then(() => writeFileAtomically(target, `${JSON.stringify(note)}\n`))
    .catch(() => undefined);
}

/** Recipes that were built here and are still where they were, the last one first; notes of others are removed. */
export async function recipesBuilt(): Promise<RecipeNote[]> {
  const folder = recipeNotesFolder();
  const names = await readdir(folder).catch(() => []);
  const notes: RecipeNote[] = [];
  for (const name of names.filter((each) => /^[0-9a-f]{32}\.json$/.test(each))) {
    const note = parseNote(await readTextIfExists(join(folder, name)).catch(() => undefined));
    if (note && existsSync(note.file)) notes.push(note);
    else await rm(join(folder, name), { force: true }).catch(() => undefined);
  }
  return notes.sort((one, other) => (one.builtAt > other.builtAt ? -1 : 1));
}

function parseNote(text: string | undefined): RecipeNote | undefined {
  try {
    const note = JSON.parse(text ?? '') as RecipeNote;
    // The type is what this version writes; a file may be of any.
    const isNote = (note.format as string) === 'gva-recipe-note/1' && typeof note.file === 'string';
    return isNote && typeof note.packages === 'object' ? note : undefined;
  } catch {
    return undefined;
  }
}
