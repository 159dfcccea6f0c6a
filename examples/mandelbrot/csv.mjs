/** The lines of a CSV file as objects with its first line's names (RFC 4180, without line ends in fields). */
export function parseCsv(text) {
  const field = /(?:"((?:[^"]|"")*)"|([^,]*)),/g;
  const fieldsOf = (line) =>
    [...`${line},`.matchAll(field)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain);
  const [names, ...lines] = text.trim().split(/\r?\n/).map(fieldsOf);
  return lines.map((fields) => Object.fromEntries(names.map((name, index) => [name, fields[index]])));
}
