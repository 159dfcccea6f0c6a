import { z } from 'zod';

const schema = z.looseObject({ scripts: z.array(z.looseObject({ name: z.string() })).max(10_000) });

/**
 * Names, without their endings, of the logs of the scripts that an instance ran, by the text of its result.json; none
 * where it cannot be read. The guest's daemon numbers those of scripts that have the same name.
 */
export function logNames(text: string): string[] {
  try {
    const times = new Map<string, number>();
    return schema.parse(JSON.parse(text)).scripts.map(({ name }) => {
      const time = (times.get(name) ?? 0) + 1;
      times.set(name, time);
      return time === 1 ? name : `${name}.${time}`;
    });
  } catch {
    return [];
  }
}
