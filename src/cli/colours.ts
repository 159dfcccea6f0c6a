import pc from 'picocolors';

/**
 * Colours where they are wanted: on a terminal, unless NO_COLOR is set (no-color.org) or TERM is dumb; elsewhere
 * only where FORCE_COLOR asks for them. A log file of a CI service is no terminal.
 */
export function coloursFor(
  stream: { isTTY?: boolean },
  env = process.env,
): ReturnType<typeof pc.createColors> {
  const { NO_COLOR, FORCE_COLOR, TERM } = env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return pc.createColors(false);
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return pc.createColors(FORCE_COLOR !== '0');
  return pc.createColors(stream.isTTY === true && TERM !== 'dumb');
}

/** For what goes to standard output. */
export const outputColours = coloursFor(process.stdout);

/** For what goes to standard error: messages and progress. */
export const messageColours = coloursFor(process.stderr);
