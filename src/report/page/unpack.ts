/** Bytes of a block of data in the page. */
function bytesOf(id: string): Uint8Array<ArrayBuffer> {
  const text = atob(document.getElementById(id)?.textContent ?? '');
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}

/** The data of a page: JSON, compressed by gzip. */
export async function unpack<T>(id: string): Promise<T> {
  const packed = new Blob([bytesOf(id)]).stream();
  const stream = packed.pipeThrough(new DecompressionStream('gzip'));
  const data = (await new Response(stream).json()) as T;
  // 50,000 points take some megabytes, twice.
  document.getElementById(id)?.remove();
  return data;
}

/** A picture in the page as an address that an `img` takes. */
export function imageAddress(index: number, type: string): string {
  return `data:${type};base64,${document.getElementById(`image-${index}`)?.textContent ?? ''}`;
}
