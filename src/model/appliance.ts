import type { BaseWish } from './base-wish.js';
import type { ParameterDeclaration } from './parameter.js';

export const warmUps = ['after-before'] as const;
export type WarmUp = (typeof warmUps)[number];

/** What parameters may come on, or by. */
export const parameterMedia = ['cd', 'floppy', 'disk', 'network'] as const;
export type ParameterMedium = (typeof parameterMedia)[number];

/** What an appliance is to those who run it, defaults filled in (docs/gva-yaml.md). */
export interface Appliance {
  readonly name: string;
  readonly version: string;
  /** The base image that it wants. */
  readonly base: BaseWish;
  readonly hardware: {
    readonly cpus: number;
    /** Bytes. */
    readonly memory: number;
  };
  readonly parameters: readonly ParameterDeclaration[];
  readonly output: {
    /** Bytes of the output disk. */
    readonly size: number;
  };
  readonly description?: string;
  readonly vendor?: string;
  /** Where a person reads more about it: http or https. */
  readonly url?: string;
  /** Text of the licence that whoever imports the appliance is to agree to. */
  readonly eula?: string;
  /** `after-before`: `before` needs no parameters, and what it prepares may be there for many instances at once. */
  readonly warm?: WarmUp;
  /** What its parameters come on; a CD where absent. */
  readonly paramsOn?: ParameterMedium;
  /** Seconds without a word of its guest after which an instance is given up; no limit where absent. */
  readonly heartbeatLimit?: number;
  /** Seconds after which the output of a running instance is brought home, again and again; not where absent. */
  readonly collectEvery?: number;
  /** Other hardware that a person may choose at import; absent where there is none. */
  readonly deploymentOptions?: readonly DeploymentOption[];
}

/** An appliance as its `gva.yaml` describes it. In a package the command lines have become a script. */
export interface ApplianceManifest extends Appliance {
  /** Shell command line; runs in the output folder with the application disk first in PATH. */
  readonly run: string;
  readonly before?: string;
  readonly after?: string;
}

/** Id of the deployment option that is the appliance's `hardware`. */
export const normalOption = 'normal';

export interface DeploymentOption {
  readonly id: string;
  readonly label: string;
  readonly description?: string;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
}
