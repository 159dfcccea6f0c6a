import type { ParameterDeclaration } from './parameter.js';

/** An appliance as its `gva.yaml` describes it (docs/gva-yaml.md), defaults filled in. */
export interface Appliance {
  readonly name: string;
  readonly version: string;
  /** Name of the base image. */
  readonly base: string;
  readonly hardware: {
    readonly cpus: number;
    /** Bytes. */
    readonly memory: number;
  };
  /** Shell command line; runs in the output folder with the application disk first in PATH. */
  readonly run: string;
  readonly before?: string;
  readonly after?: string;
  readonly parameters: readonly ParameterDeclaration[];
  readonly output: {
    /** Bytes of the output disk. */
    readonly size: number;
  };
}
