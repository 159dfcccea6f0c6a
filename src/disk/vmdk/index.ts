export { blankDisk } from './blank.js';
export { copyVmdkToRaw, type VmdkCopyFacts, type VmdkCopyOptions } from './copy.js';
export { dataRanges, type DataRange } from './data-ranges.js';
export type { DigestName } from './digests.js';
export type { VmdkOptions } from './extent.js';
export { isVmdk } from './header.js';
export { openVmdk, type VmdkDisk } from './reader.js';
export { writeVmdk, type VmdkFacts, type VmdkWriteOptions } from './write.js';
