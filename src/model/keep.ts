/** How a point's output is kept: as files, as one tar archive of them, or as the disk that the guest wrote. */
export const keepKinds = ['files', 'archive', 'image'] as const;
export type KeepKind = (typeof keepKinds)[number];
