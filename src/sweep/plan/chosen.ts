import { createHash } from 'node:crypto';
import { GvaError } from '../../system/errors.js';
import { DigestSet } from './digest-set.js';
import { ownFiles } from './file-pattern.js';
import type { Cursor, Group, Row } from './row.js';
import { skipping } from './row.js';

/** Rows in a row that may be left out: a search that goes on and on without finding anything helps nobody. */
const patience = 10_000_000;

/** The rows for which the condition holds. */
export function filtered(group: Group, holds: (row: Row) => boolean): Group {
  return choosing(group, group.distinct, () => holds);
}

/** Each row once: of those that are equal, the first. */
export function merged(group: Group): Group {
  if (group.distinct) return group;
  return choosing(group, true, () => {
    const seen = new DigestSet();
    return (row) => {
      const first = seen.add(rowDigest(row));
      if (!first) row.repeated++;
      return first;
    };
  });
}

/** What makes a point what it is: its values, and the files that are its alone. */
function rowDigest({ values, origins }: Row): Buffer {
  const files = origins.flatMap((origin) => (origin ? ownFiles(origin.files, values, origin.index) : []));
  return createHash('sha256')
    .update(JSON.stringify(files.length > 0 ? [values, files] : values))
    .digest();
}

function choosing(group: Group, distinct: boolean, chooser: () => (row: Row) => boolean): Group {
  return {
    sets: group.sets,
    size: group.size,
    exact: false,
    distinct,
    open: (from) => skipping(choose(group.open(0n), chooser()), from),
  };
}

function choose(cursor: Cursor, wanted: (row: Row) => boolean): Cursor {
  return {
    next(row) {
      for (let missed = 0; cursor.next(row); missed++) {
        if (wanted(row)) return true;
        if (missed >= patience) throw fruitless();
      }
      return false;
    },
  };
}

const fruitless = () =>
  new GvaError(
    'PLAN_FRUITLESS',
    `the plan was searched for its next point without success: ${patience.toLocaleString('en-US')} one after ` +
      'another were left out by where:, or were there before',
    { hint: 'Give ranges that have fewer such points, or a table of those that are wanted.' },
  );
