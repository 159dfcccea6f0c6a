import type { Appliance } from './appliance.js';
import type {
  DeploymentConfiguration,
  DiskRole,
  GvaFacts,
  PackageProblem,
  VirtualSystem,
} from './envelope.js';
import type { ParameterDeclaration } from './parameter.js';

/** What `gva inspect --json` prints. Sizes are in bytes. */
export interface PackageReport {
  readonly format: 'gva-inspect/1';
  readonly path: string;
  readonly kind: 'ova' | 'ovf' | 'folder';
  /** Whether `gva run` takes it. */
  readonly runnable: boolean;
  readonly dialect: string;
  readonly appliance?: Appliance;
  /** Of packages that GVA made. */
  readonly gva?: GvaFacts;
  readonly operatingSystem?: VirtualSystem['operatingSystem'];
  readonly hardware?: ReportedHardware;
  readonly configurations: readonly DeploymentConfiguration[];
  readonly networks: readonly { readonly name: string; readonly description?: string }[];
  readonly transports: readonly string[];
  readonly disks: readonly ReportedDisk[];
  readonly parameters: readonly (ParameterDeclaration & { readonly userConfigurable: boolean })[];
  readonly eulas: readonly string[];
  readonly signature: ReportedSignature;
  /** Name of the manifest. */
  readonly manifest: string | null;
  readonly ignored: readonly string[];
  readonly problems: readonly PackageProblem[];
}

export interface ReportedHardware {
  readonly cpus: number;
  readonly memory: number;
  readonly firmware: 'bios' | 'uefi';
  readonly controllers: readonly string[];
  readonly cdDrives: number;
  readonly networkCards: readonly { readonly network?: string; readonly subtype?: string }[];
  readonly configuration?: string;
}

export interface ReportedDisk {
  readonly id: string;
  readonly role?: DiskRole;
  readonly capacity?: number;
  /** Name in the package; absent for a blank disk. */
  readonly file?: string;
  /** Of that file. */
  readonly size?: number;
  readonly format: string;
}

export type ReportedSignature =
  | { readonly state: 'unsigned' }
  | {
      readonly state: 'valid' | 'invalid';
      readonly reason?: string;
      readonly certificate?: ReportedCertificate;
    };

export interface ReportedCertificate {
  readonly subject: string;
  readonly issuer: string;
  readonly fingerprint: string;
  readonly selfSigned: boolean;
  readonly notAfter: Date;
  readonly current: boolean;
}
