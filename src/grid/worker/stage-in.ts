import type { GridImage, GridRecord } from '../../model/grid.js';
import { GvaError, messageOf } from '../../system/errors.js';
import { gridImage, imagesFolder } from '../../system/paths.js';
import { rememberedDigest } from '../../system/remembered-digest.js';
import { wrongDigest } from './copy-image.js';
import { ImageCache, type StagedImage } from './image-cache.js';
import type { NodeFolder } from './node-folder.js';
import { type Patience, persistently } from './persistently.js';
import type { CheckedWork } from './schema.js';
import { mayAppear } from './spec.js';
import { sharedFolderTrouble } from './trouble.js';

type StagedRecord = Omit<Extract<GridRecord, { record: 'staged' }>, 'at'>;

/** What brings an image to the node, or says why it stays where it is. */
type Bring = (image: GridImage, source: string) => Promise<StagedImage>;

/** Seconds that an image is waited for which cannot be read. */
const longestWait = 60;

/** The images of a work on this node. Until it is disposed, the node keeps its copies. */
export class StagedImages implements AsyncDisposable {
  readonly #sweep: string;
  readonly #patience: Patience;
  readonly #bring: Bring;
  readonly #use: AsyncDisposable | undefined;
  readonly #staged = new Map<string, StagedImage>();
  #seconds = 0;

  private constructor(sweep: string, patience: Patience, bring: Bring, use?: AsyncDisposable) {
    this.#sweep = sweep;
    this.#patience = { ...patience, seconds: Math.min(patience.seconds, longestWait) };
    this.#bring = bring;
    this.#use = use;
  }

  /** @param sweep its folder */
  static async open(
    work: CheckedWork,
    sweep: string,
    { folder, problem }: NodeFolder,
    patience: Patience,
  ): Promise<StagedImages> {
    const without = (reason: string) => new StagedImages(sweep, patience, inPlace(reason));
    if (folder === undefined) return without(problem);
    const cache = new ImageCache(folder, work.nodeCache);
    try {
      const use = await cache.use(imagesOf(work));
      return new StagedImages(sweep, patience, (...image) => cache.stage(...image, patience), use);
    } catch (error) {
      return without(messageOf(error));
    }
  }

  /**
   * Path of the image, which is copied to the node where that can be.
   *
   * @throws GvaError IMAGE_DIGEST, SHARED_FOLDER
   */
  async file(image: GridImage): Promise<string> {
    const known = this.#staged.get(image.sha256);
    if (known) return known.file;
    const { signal, log } = this.#patience;
    const start = performance.now();
    const source = gridImage(this.#sweep, image.sha256);
    const bring = () => this.#bring(image, source);
    const staged = await persistently(`bring ${source}`, bring, this.#patience, mayAppear).catch(
      (error: unknown) => {
        signal.throwIfAborted();
        throw error instanceof GvaError
          ? error
          : sharedFolderTrouble(`cannot read the image ${source}`, error);
      },
    );
    this.#seconds += (performance.now() - start) / 1000;
    if (staged.inPlace !== undefined) log(`${source} is used where it is: ${staged.inPlace}`);
    this.#staged.set(image.sha256, staged);
    return staged.file;
  }

  get record(): StagedRecord {
    const staged = [...this.#staged];
    const left = staged.filter(([, image]) => image.inPlace !== undefined);
    const reason = left[0]?.[1].inPlace;
    return {
      record: 'staged',
      bytes: staged.reduce((sum, [, { bytes }]) => sum + bytes, 0),
      seconds: Number(this.#seconds.toFixed(3)),
      ...(reason === undefined ? {} : { inPlace: { images: left.map(([sha256]) => sha256), reason } }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#use?.[Symbol.asyncDispose]();
  }
}

function imagesOf({ machine }: CheckedWork): GridImage[] {
  if (machine.kind === 'plain') {
    const { disks, probeKernel } = machine;
    return [...disks.map(({ image }) => image), ...(probeKernel ? [probeKernel] : [])];
  }
  const { base, app, data } = machine;
  const { files } = base;
  return [
    ...('root' in files ? [files.root, files.kernel, files.initrd] : [files.disk]),
    app,
    ...(data ? [data] : []),
  ];
}

const inPlace =
  (reason: string): Bring =>
  async ({ sha256 }, source) => {
    if ((await rememberedDigest(source, imagesFolder())) !== sha256) throw wrongDigest(source);
    return { file: source, bytes: 0, inPlace: reason };
  };
