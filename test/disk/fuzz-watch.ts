/** Imports nothing of Node's: the modules that it wraps would be loaded before they are. */

/** Every path of the host that was given to a function that opens, makes, changes or looks. */
const paths = new Set<string>();
let inside: string | undefined;

export const watched = {
  /** Nothing but `target` and what lies in it may be touched from here on. */
  begin(target: string): void {
    paths.clear();
    inside = target;
  },
  /** Throws if something else was; the number of paths. */
  end(): number {
    const outside = [...paths].filter((path) => path !== inside && !path.startsWith(`${inside ?? ''}/`));
    inside = undefined;
    if (outside.length > 0) throw new Error(`paths outside the target: ${outside.join()}`);
    return paths.size;
  },
};

/** Wraps the functions of a module that take paths: these arguments are noted, all else is as it was. */
function watch(module: object, names: Record<string, number[]>): object {
  const wrapped = Object.entries(names).map(([name, positions]) => {
    const original = Reflect.get(module, name) as (...args: unknown[]) => unknown;
    const wrapper = (...args: unknown[]): unknown => {
      if (inside !== undefined) for (const position of positions) paths.add(String(args[position]));
      return original(...args);
    };
    return [name, wrapper];
  });
  return { ...module, ...(Object.fromEntries(wrapped) as object) };
}

/** For `vi.mock('node:fs', ...)`. */
export const watchedFs = async (original: () => Promise<object>): Promise<object> =>
  watch(await original(), {
    ...{ openSync: [0], mkdirSync: [0], symlinkSync: [1], linkSync: [0, 1], chmodSync: [0] },
    ...{ utimesSync: [0], lutimesSync: [0], lstatSync: [0] },
  });

/** For `vi.mock('node:fs/promises', ...)`. */
export const watchedPromises = async (original: () => Promise<object>): Promise<object> =>
  watch(await original(), { open: [0], stat: [0], mkdir: [0], lstat: [0], readdir: [0], realpath: [0] });
