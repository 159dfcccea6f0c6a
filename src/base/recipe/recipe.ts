import type { DebianProfile, DebianSuite } from '../debian/options.js';

/** How a base is made: what a `base.yaml` says, checked. docs/recipes.md. */
export interface Recipe {
  /** Of the base. */
  readonly name: string;
  readonly version?: string;
  readonly description?: string;
  readonly from: RecipeSource;
  /** Bytes of memory of the machines that the steps run in. */
  readonly memory: number;
  /** Bytes that a guest of the base finds free, at least. */
  readonly free: number;
  readonly steps: readonly RecipeStep[];
}

export type RecipeSource =
  | { readonly kind: 'base'; readonly name: string }
  /** An OCI image layout, and the name of an image in it. The path is as it stands until knowRecipe(). */
  | { readonly kind: 'oci'; readonly folder: string; readonly tag?: string }
  | { readonly kind: 'debian'; readonly suite: DebianSuite; readonly profile: DebianProfile };

export type RecipeStep = PackagesStep | CopyStep | RunStep | UserStep | EnvStep;
export type StepKind = RecipeStep['kind'];

export interface PackagesStep {
  readonly kind: 'packages';
  readonly names: readonly string[];
}

export interface CopyStep {
  readonly kind: 'copy';
  /** A file or folder below that of the recipe. */
  readonly from: string;
  /** Absolute. A file goes into it where it ends with a slash; of a folder, the content does. */
  readonly to: string;
}

export interface RunStep {
  readonly kind: 'run';
  /** For the image's own /bin/sh. */
  readonly command: string;
  /** It reaches the network of the machine that builds; absent where it does not. */
  readonly network?: true;
  /** Seconds; undefined: none. */
  readonly timeout?: number;
}

export interface UserStep {
  readonly kind: 'user';
  readonly name: string;
  readonly uid?: number;
}

export interface EnvStep {
  readonly kind: 'env';
  readonly variables: Readonly<Record<string, string>>;
}

/** A step in a few words, for people. */
export function describeStep(step: RecipeStep): string {
  switch (step.kind) {
    case 'packages':
      return `packages ${step.names.join(', ')}`;
    case 'copy':
      return `copy ${step.from} to ${step.to}`;
    case 'run':
      return `run ${step.command.split('\n')[0] ?? ''}${step.command.includes('\n') ? ' ...' : ''}`;
    case 'user':
      return `user ${step.name}`;
    case 'env':
      return `env ${Object.keys(step.variables).join(', ')}`;
  }
}

/** What it begins with, as a recipe writes it. */
export function sourceText(from: RecipeSource): string {
  switch (from.kind) {
    case 'base':
      return from.name;
    case 'debian':
      return `debian:${from.suite}`;
    case 'oci':
      return `oci:${from.folder}${from.tag === undefined ? '' : `:${from.tag}`}`;
  }
}
