import type { ExtractOptions } from '../extract.js';

const TIB = 2 ** 40;

/** Options with every limit filled in. */
export type Settings = Required<Omit<ExtractOptions, 'signal'>> & { signal: AbortSignal | undefined };

export function withDefaults(options: ExtractOptions, treeSize: number): Settings {
  return {
    from: options.from ?? '',
    maxBytes: options.maxBytes ?? Math.min(TIB, treeSize),
    maxFiles: options.maxFiles ?? 1_000_000,
    maxDepth: options.maxDepth ?? 100,
    maxFileSize: options.maxFileSize ?? TIB,
    timeMs: options.timeMs ?? 600_000,
    maxFindings: options.maxFindings ?? 1000,
    signal: options.signal,
    skip: options.skip ?? (() => false),
  };
}
