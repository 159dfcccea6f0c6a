import { pointFolder as folderOf } from '../system/paths.js';

/**
 * Where the results of a point of a sweep are, or will be: `result.json`, `output/`, and the rest of docs/layout.md.
 *
 * @param folder of the sweep
 * @param index number of the point, from 0
 */
export function pointFolder(folder: string, index: number): string {
  return folderOf(folder, index);
}
