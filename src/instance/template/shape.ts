import { join } from 'node:path';
import type { CachedImage } from '../../appliance/images.js';
import type { Base } from '../../base/store.js';
import { type Direct, bootsDirectly } from '../../model/base.js';
import type { Disk, MachineSpec } from '../../vmm/driver.js';
import type { InputFile } from '../identity.js';
import { mailboxSize } from '../insert/drives.js';
import type { PreparedAppliance } from '../prepare.js';

/** What a template's machine and those of its clones have in common. */
export interface MachineShape {
  readonly base: Direct<Base>;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  /** In the machine's order. */
  readonly disks: readonly Pick<Disk, 'id' | 'size' | 'access'>[];
  /** The template is for one appliance, whose `before` is behind it; for all on this base where absent. */
  readonly warmed?: WarmedAppliance;
  /** It has a control channel. */
  readonly channel?: boolean;
}

/** What the guest of such a template has mounted, and has run `before` of. */
export interface WarmedAppliance {
  readonly digest: string;
  readonly app: CachedImage;
  readonly data?: CachedImage;
}

/** Bytes: the smallest disk that an application, its data or a parameter CD is put on. */
const smallestSlot = 64 << 20;

/** Sizes are rounded up, so that one template serves many appliances: a power of two. */
export const slotSize = (bytes: number) => Math.max(smallestSlot, 2 ** Math.ceil(Math.log2(bytes)));

/**
 * The machine that an appliance's instance gets if it is a clone; a reason, for people, where there cannot be such. That of
 * an appliance that says `warm` is of a template of its own.
 *
 * @param files of its parameter CD
 * @param channel it has a control channel
 */
export function machineShape(
  { appliance, digest, machine }: PreparedAppliance,
  files: readonly Pick<InputFile, 'size'>[],
  channel = false,
): MachineShape | string {
  if (machine.kind === 'plain') return "it is a machine of somebody else's";
  if (machine.outputOn === 'app') return 'its application disk is brought home';
  const { base, app, data } = machine;
  if (!bootsDirectly(base)) return `the base image ${base.name} only boots by firmware`;
  if (appliance.paramsOn === 'floppy') return 'its parameters come on a floppy';
  if (appliance.paramsOn === 'network') return 'its parameters come by network';
  if (!base.wake) return `guests of the base image ${base.name} cannot be woken`;
  const { cpus, memory } = appliance.hardware;
  return {
    ...{ base, cpus, memory },
    disks: [
      { id: 'root', size: base.files.root.size, access: 'overlay' },
      { id: 'app', size: slotSize(app.size), access: 'overlay' },
      ...(data ? [{ id: 'data', size: slotSize(data.size), access: 'overlay' } as const] : []),
      { id: 'output', size: appliance.output.size, access: 'read-write' },
      { id: 'cdrom', size: slotSize(discRoom(files)), access: 'read-only' },
      ...(channel ? [{ id: 'mailbox', size: mailboxSize, access: 'read-only' } as const] : []),
    ],
    ...(channel ? { channel } : {}),
    ...(appliance.warm === undefined ? {} : { warmed: { digest, app, ...(data ? { data } : {}) } }),
  };
}

/** Bytes that are enough for the parameter CD with these files: names and padding take a part of it. */
function discRoom(files: readonly Pick<InputFile, 'size'>[]): number {
  const content = files.reduce((sum, { size }) => sum + size + 8192, 0);
  return content + Math.ceil(content / 50) + (4 << 20);
}

/** Bytes of the file that holds the memory: QEMU counts in MiB. */
export const memoryFileSize = (memory: number) => Math.ceil(memory / 2 ** 20) * 2 ** 20;

/** @param folders empty ones of the instance */
export function templateSpec(
  { base, cpus, memory, disks, warmed, channel = false }: MachineShape,
  folder: string,
  folders: MachineSpec['folders'],
): MachineSpec {
  const file = (name: string) => join(folder, name);
  return {
    ...{ id: 'template', cpus, memory, folders },
    boot: {
      kind: 'direct',
      kernel: join(base.folder, base.files.kernel.name),
      initrd: join(base.folder, base.files.initrd.name),
    },
    disks: disks.map(({ id, size, access }) => ({
      ...{ id, size, access },
      image:
        (id === 'root' ? join(base.folder, base.files.root.name) : imageOf(id, warmed)) ?? file(`${id}.img`),
      ...(access === 'overlay' ? { overlay: file(`${id}.overlay`) } : {}),
    })),
    kernelOptions: [`gva.template=${templateKind(warmed)}`],
    generationId: true,
    ...(channel ? { channel } : {}),
  };
}

/** The guest of the template has this disk mounted: what it has written there belongs to what is in its memory. */
export const isMounted = (id: Disk['id'], { warmed }: MachineShape): id is 'root' | 'app' | 'data' =>
  id === 'root' || (warmed !== undefined && (id === 'app' || id === 'data'));

const imageOf = (id: Disk['id'], warmed: WarmedAppliance | undefined) =>
  id === 'app' || id === 'data' ? warmed?.[id]?.file : undefined;

/** What the guest is told, and says again when it is there (docs/guest-contract.md, "Waking"). */
export const templateKind = (warmed: WarmedAppliance | undefined) => (warmed ? 'app' : '1');
