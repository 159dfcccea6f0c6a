import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { Findings } from '../../src/disk/findings.js';
import { listTree } from '../../src/disk/list.js';
import type { MediumEntry } from '../../src/disk/medium-entry.js';
import type { FileTree, TreeNode } from '../../src/disk/tree.js';

/** Characters that file names of people and programs have been seen with, the odd ones far too often. */
export const oddCharacters = Array.from('abcXYZ019._- -~\'"`$&()[]{}!@#%^+,;=éßñЖ日本語☃ª');

/** Names of a given alphabet: mostly short, some as long as `maxBytes` of UTF-8 allows. */
export function names(characters: readonly string[], maxBytes: number): fc.Arbitrary<string> {
  const unit = fc.constantFrom(...characters);
  return fc
    .oneof(
      { weight: 6, arbitrary: fc.string({ unit, minLength: 1, maxLength: 14 }) },
      { weight: 2, arbitrary: fc.string({ unit, minLength: 60, maxLength: 90 }) },
      { weight: 1, arbitrary: fc.string({ unit, minLength: 200, maxLength: 300 }) },
    )
    .map((name) => {
      let cut = Array.from(name);
      while (Buffer.byteLength(cut.join('')) > maxBytes) cut = cut.slice(0, -1);
      return cut.join('');
    })
    .filter((name) => name !== '.' && name !== '..');
}

/** Targets of symbolic links, of up to `maxLength` characters. */
export function linkTargets(characters: readonly string[], maxLength: number): fc.Arbitrary<string> {
  const component = fc.oneof(fc.constantFrom('..', '.'), names(characters, 255));
  return fc
    .tuple(fc.boolean(), fc.array(component, { minLength: 1, maxLength: 12 }))
    .map(([absolute, components]) => (absolute ? '/' : '') + components.join('/'))
    .map((target) => (Buffer.byteLength(target) > maxLength ? '/' : target));
}

/**
 * Trees of files, directories and, given targets, symbolic links; entries come in no particular order.
 *
 * @param same two names with one result do not occur in one directory
 */
export function trees(
  name: fc.Arbitrary<string>,
  {
    targets,
    same = (each) => each,
  }: { targets?: fc.Arbitrary<string>; same?: (name: string) => string } = {},
): fc.Arbitrary<MediumEntry[]> {
  const kind = fc.oneof(
    fc.record({ kind: fc.constant('directory' as const), mode: fc.constantFrom(0o755, 0o700, 0o1777) }),
    fc.record({
      kind: fc.constant('file' as const),
      mode: fc.constantFrom(0o644, 0o755, 0o600, 0o440),
      content: fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.nat(9000).map((size) => new Uint8Array(size).fill(0x78)),
      ),
    }),
    ...(targets === undefined ? [] : [fc.record({ kind: fc.constant('symlink' as const), target: targets })]),
  );
  return fc.array(fc.tuple(kind, name, fc.nat(3)), { maxLength: 24, size: 'max' }).chain((parts) => {
    const folders = [''];
    const taken = new Set<string>();
    const entries: MediumEntry[] = [];
    for (const [part, each, back] of parts) {
      const parent = folders[Math.max(0, folders.length - 1 - back)] ?? '';
      const key = `${parent}${same(each)}`;
      if (taken.has(key)) continue;
      taken.add(key);
      entries.push({ ...part, path: parent + each });
      if (part.kind === 'directory') folders.push(`${parent}${each}/`);
    }
    return fc.shuffledSubarray(entries, { minLength: entries.length });
  });
}

/** What a tree has at each path, in a form to compare. */
export type Inventory = Record<string, string>;

/** @param modes whether the medium has modes */
export function inventoryOf(entries: readonly MediumEntry[], { modes }: { modes: boolean }): Inventory {
  const inventory: Inventory = {};
  for (const entry of entries) {
    if (entry.kind === 'symlink') {
      inventory[entry.path] = `link ${entry.target}`;
      continue;
    }
    const mode = modes ? ` ${(entry.mode ?? (entry.kind === 'file' ? 0o644 : 0o755)).toString(8)}` : '';
    const content = entry.kind === 'file' ? ` ${text(entry.content as Uint8Array)}` : '';
    inventory[entry.path] = entry.kind + mode + content;
  }
  return inventory;
}

/** What lies in a folder of the host; symbolic links are not followed. */
export function inventoryOfFolder(folder: string, options: { modes: boolean }): Inventory {
  const inventory: Inventory = {};
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const info = lstatSync(path);
    if (info.isSymbolicLink()) {
      inventory[name] = `link ${readlinkSync(path)}`;
      continue;
    }
    const mode = options.modes ? ` ${(info.mode & 0o7777).toString(8)}` : '';
    inventory[name] = info.isDirectory() ? `directory${mode}` : `file${mode} ${text(readFileSync(path))}`;
    if (!info.isDirectory()) continue;
    for (const [below, what] of Object.entries(inventoryOfFolder(path, options)))
      inventory[`${name}/${below}`] = what;
  }
  return inventory;
}

/** What our own readers find, and what they have to say about it, as `CODE path`. */
export async function inventoryOfTree<Node extends TreeNode>(
  tree: FileTree<Node>,
  { modes }: { modes: boolean },
): Promise<{ inventory: Inventory; findings: string[] }> {
  const findings = new Findings();
  const inventory: Inventory = {};
  for (const { code, path, message } of tree.findings) findings.add(code, () => path, message);
  for await (const { path, text: shown, node } of listTree(tree, findings)) {
    const report = (code: string, message: string): void => findings.add(code, () => shown, message);
    const mode = modes ? ` ${node.permissions.toString(8)}` : '';
    const name = path.toString();
    if (node.kind === 'symlink') inventory[name] = `link ${(await tree.readLink(node, report)).toString()}`;
    else if (node.kind !== 'file') inventory[name] = node.kind + mode;
    else {
      const content = Buffer.alloc(Math.min(node.size, 1 << 24));
      for await (const piece of tree.readFile(node, report)) piece?.data.copy(content, piece.offset);
      inventory[name] = `file${mode} ${text(content)}`;
    }
  }
  return { inventory, findings: findings.list.map(({ code, path }) => `${code} ${path}`.trim()) };
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
