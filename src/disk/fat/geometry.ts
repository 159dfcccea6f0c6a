/** Sector in bytes, on every medium we make. */
export const sectorSize = 512;
/** Size of a 3.5 inch high density floppy in bytes. */
export const floppySize = 2880 * sectorSize;
/** Size of a directory entry in bytes. */
export const entrySize = 32;
export const fatCopies = 2;
/** Numbers of the clusters begin here (FAT specification, "FAT Data Structure"). */
export const firstCluster = 2;

export type FatWidth = 12 | 16 | 32;

/** Where things are on a FAT volume; all lengths in sectors. */
export interface Geometry {
  /** Bits of an entry in the allocation table. */
  width: FatWidth;
  sectors: number;
  sectorsPerCluster: number;
  reservedSectors: number;
  /** Length of one copy of the allocation table. */
  fatSectors: number;
  /** Entries of the root directory of FAT12 and FAT16; 0 with FAT32, where it is a chain like any other. */
  rootEntries: number;
  /** Number of data clusters. */
  clusters: number;
  isFloppy: boolean;
}

/** The 1.44 MB format: 1 sector per cluster, 224 root entries. */
export const floppyGeometry: Geometry = {
  width: 12,
  sectors: floppySize / sectorSize,
  sectorsPerCluster: 1,
  reservedSectors: 1,
  fatSectors: 9,
  rootEntries: 224,
  clusters: 2847,
  isFloppy: true,
};

/** The number of clusters alone decides the type (FAT specification, "FAT Type Determination"). */
const minClusters16 = 4085;
const minClusters32 = 65525;
const maxClusters32 = 0x0ffffff5;
/** The specification advises to stay this far away from the limits, where drivers are off by one. */
const margin = 16;

export const defaultRootEntries = 512;

/** FAT16 with the smallest clusters, 512 bytes to 32 KiB, that suffice; undefined if none do. */
export function fat16Geometry(sectors: number, rootEntries = defaultRootEntries): Geometry | undefined {
  for (let sectorsPerCluster = 1; sectorsPerCluster <= 64; sectorsPerCluster *= 2) {
    const geometry = divide(16, sectors, sectorsPerCluster, 1, rootEntries);
    if (geometry.clusters < minClusters16 + margin) return undefined;
    if (geometry.clusters < minClusters32 - margin) return geometry;
  }
  return undefined;
}

/** FAT32 with the cluster sizes of the specification ("DskTableFAT32"); undefined if the size does not suit. */
export function fat32Geometry(sectors: number): Geometry | undefined {
  if (sectors > 0xffffffff) return undefined;
  const limits: [sectors: number, sectorsPerCluster: number][] = [
    [532_480, 1],
    [16_777_216, 8],
    [33_554_432, 16],
    [67_108_864, 32],
  ];
  const sectorsPerCluster = limits.find(([limit]) => sectors <= limit)?.[1] ?? 64;
  const geometry = divide(32, sectors, sectorsPerCluster, 32, 0);
  return geometry.clusters >= minClusters32 + margin && geometry.clusters <= maxClusters32
    ? geometry
    : undefined;
}

/** Sectors of the root directory outside of the data area. */
export function rootSectors({ rootEntries }: { rootEntries: number }): number {
  return Math.ceil((rootEntries * entrySize) / sectorSize);
}

/** First sector of the data area. */
export function dataSector(geometry: Geometry): number {
  return geometry.reservedSectors + fatCopies * geometry.fatSectors + rootSectors(geometry);
}

export function clusterSize({ sectorsPerCluster }: Geometry): number {
  return sectorsPerCluster * sectorSize;
}

/** Divides a volume into table and clusters (FAT specification, "FAT Volume Initialization"). */
function divide(
  width: 16 | 32,
  sectors: number,
  sectorsPerCluster: number,
  reservedSectors: number,
  rootEntries: number,
): Geometry {
  const available = sectors - reservedSectors - rootSectors({ rootEntries });
  const entriesPerSector = (sectorSize * 8) / width;
  const fatSectors = Math.ceil(available / (entriesPerSector * sectorsPerCluster + fatCopies)) + 1;
  const clusters = Math.floor((available - fatCopies * fatSectors) / sectorsPerCluster);
  return {
    width,
    sectors,
    sectorsPerCluster,
    reservedSectors,
    fatSectors,
    rootEntries,
    clusters,
    isFloppy: false,
  };
}
