/** One character of a name, or any number of them. */
type Token = 'star' | ((character: string) => boolean);

/**
 * Whether a name matches a pattern (POSIX.1-2017, XCU 2.13): `*` stands for any characters, `?` for one, `[a-z]` and
 * `[!a-z]` for one of a set or none of it; none of them for a point at the beginning of a name. The time it takes is
 * at most the product of both lengths.
 */
export function globMatcher(pattern: string): (name: string) => boolean {
  const tokens = tokensOf(pattern);
  const hidden = pattern.startsWith('.');
  return (name) => (hidden || !name.startsWith('.')) && matches(tokens, Array.from(name));
}

function tokensOf(pattern: string): Token[] {
  const parts = pattern.match(/\*+|\[!?\]?[^\]]*\]|[^]/gu) ?? [];
  return parts.map((part) => {
    if (part.startsWith('*')) return 'star';
    if (part === '?') return () => true;
    return part.length > 1 && part.startsWith('[')
      ? setToken(part.slice(1, -1))
      : (character) => character === part;
  });
}

function setToken(set: string): Token {
  const not = set.startsWith('!');
  const ranges = Array.from(set.slice(not ? 1 : 0).matchAll(/([^])-([^])|([^])/gu), (match) => {
    const [, from = match[3] ?? '', to = from] = match;
    return { from, to };
  });
  return (character) => ranges.some(({ from, to }) => character >= from && character <= to) !== not;
}

/** Takes as little as possible for a star, and one character more whenever the rest does not match. */
function matches(tokens: readonly Token[], name: readonly string[]): boolean {
  let [token, at, star, starAt] = [0, 0, -1, 0];
  while (at < name.length) {
    const now = tokens[token];
    if (now === 'star') [star, starAt, token] = [token, at, token + 1];
    else if (now?.(name[at] ?? '')) [token, at] = [token + 1, at + 1];
    else if (star >= 0) [token, at, starAt] = [star + 1, starAt + 1, starAt + 1];
    else return false;
  }
  return tokens.slice(token).every((rest) => rest === 'star');
}
