declare module 'pngjs' {
  interface Image {
    readonly width: number;
    readonly height: number;
    /** Red, green, blue and alpha of each pixel, row by row. */
    readonly data: Buffer;
  }
  export const PNG: { readonly sync: { read(png: Uint8Array): Image } };
}
