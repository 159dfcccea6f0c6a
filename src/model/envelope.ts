import type { WarmUp } from './appliance.js';

/**
 * What an OVF descriptor says, of whatever dialect it was (DSP0243 1.1.0; before it VMware's 0.9, after it 2.x).
 * Sizes are in bytes.
 */
export interface Envelope {
  readonly dialect: '0.9' | '1' | '2';
  readonly files: readonly EnvelopeFile[];
  readonly disks: readonly EnvelopeDisk[];
  readonly networks: readonly { readonly name: string; readonly description?: string }[];
  /** Of the DeploymentOptionSection. */
  readonly configurations: readonly DeploymentConfiguration[];
  /** All, also those inside collections. */
  readonly systems: readonly VirtualSystem[];
  /** Whether there is a VirtualSystemCollection. */
  readonly collection: boolean;
  readonly problems: readonly PackageProblem[];
}

/** What is wrong with a package, or odd about it. What is an `error` cannot be run. */
export interface PackageProblem {
  readonly severity: 'error' | 'warning';
  /** Member, and line of a text or path of an element: `x.ovf:12`, `x.vmdk`, `VirtualSystem web, item 4`. */
  readonly place: string;
  readonly message: string;
}

/** An entry of References. */
export interface EnvelopeFile {
  readonly id: string;
  readonly href: string;
  readonly size?: number;
  readonly compression: 'identity' | 'gzip';
  /** Where the file is cut into pieces of this size, named `href.000000000` and so on. */
  readonly chunkSize?: number;
}

export interface EnvelopeDisk {
  readonly id: string;
  /** Id of a file; absent: a blank disk. */
  readonly fileRef?: string;
  /** Absent where it is not known. */
  readonly capacity?: number;
  readonly populatedSize?: number;
  /** URI. */
  readonly format?: string;
  /** What oVirt says of the controller, which its packages have no item for: `VirtIO`, `VirtIO_SCSI`, `IDE`. */
  readonly interface?: string;
  /** What GVA wrote of the disk's part in an appliance; absent on disks of others. */
  readonly role?: DiskRole;
}

export const diskRoles = ['base', 'app', 'data', 'output'] as const;
export type DiskRole = (typeof diskRoles)[number];

export interface DeploymentConfiguration {
  readonly id: string;
  readonly label: string;
  readonly description?: string;
  readonly isDefault: boolean;
}

export interface VirtualSystem {
  readonly id: string;
  readonly name?: string;
  readonly operatingSystem?: {
    readonly id: number;
    readonly version?: string;
    readonly description?: string;
  };
  readonly annotation?: string;
  readonly eulas: readonly string[];
  /** Also those of the collection that it stands in: a guest sees these too (DSP0243 1.1.0, 11.1). */
  readonly products: readonly ProductSection[];
  readonly hardware: readonly VirtualHardware[];
  /** What GVA wrote about an appliance of its own. */
  readonly gva?: GvaFacts;
}

export interface GvaFacts {
  /** Version of the guest contract. */
  readonly contract: number;
  readonly base: { readonly name: string; readonly digest: string };
  /** Digest of the appliance's content. */
  readonly digest: string;
  readonly warm?: WarmUp;
}

export interface ProductSection {
  /** With `instance` part of the keys that a guest sees: `class.key.instance` (DSP0243 1.1.0, 9.5.1). */
  readonly class?: string;
  readonly instance?: string;
  readonly product?: string;
  readonly vendor?: string;
  readonly version?: string;
  readonly properties: readonly OvfProperty[];
}

export interface OvfProperty {
  readonly key: string;
  /** As written: `string`, `uint16`. */
  readonly type: string;
  readonly qualifiers?: string;
  readonly userConfigurable: boolean;
  readonly password: boolean;
  readonly value?: string;
  /** Configuration id to value. */
  readonly values: Readonly<Record<string, string>>;
  /** Ids of the configurations it is for (VMware's extension); for all where empty or absent. */
  readonly configurations?: readonly string[];
  readonly label?: string;
  readonly description?: string;
}

export interface VirtualHardware {
  readonly id?: string;
  /** `iso`, `com.vmware.guestInfo`. */
  readonly transports: readonly string[];
  /** `vmx-10`. */
  readonly systemTypes: readonly string[];
  /** Absent where nothing is said, which means BIOS. */
  readonly firmware?: 'bios' | 'uefi';
  readonly items: readonly HardwareItem[];
}

/** A virtual device (CIM_ResourceAllocationSettingData). */
export interface HardwareItem {
  readonly instanceId: string;
  /** 3 CPU, 4 memory, 5 IDE, 6 SCSI, 10 NIC, 14 floppy, 15 CD, 16 DVD, 17 disk, 20 other storage (SATA, NVMe). */
  readonly resourceType: number;
  readonly subtypes: readonly string[];
  readonly elementName?: string;
  /** Of a controller: which of its kind, counted from 0 (in OVF 0.9 BusNumber). Of a NIC: its MAC address. */
  readonly address?: string;
  /** Instance id of the controller. */
  readonly parent?: string;
  readonly addressOnParent?: string;
  readonly hostResources: readonly string[];
  readonly quantity?: number;
  /** What is guaranteed at least; in `units` as the quantity is. */
  readonly reservation?: number;
  /** As written: `byte * 2^20`, `MegaBytes`. */
  readonly units?: string;
  readonly connections: readonly string[];
  readonly automaticAllocation?: boolean;
  /** Ids of the configurations it is for; for all where empty. */
  readonly configurations: readonly string[];
  /** An item that says no more than the least, the most or the best value for the item of the same instance id. */
  readonly bound?: 'min' | 'max' | 'normal';
  readonly required: boolean;
}
