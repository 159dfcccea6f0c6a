/**
 * The OVF environment document (DSP0243 1.1.0, clause 9; schema DSP8027 1.1.0): what VMware and VirtualBox
 * give to a guest of their own accord.
 *
 * @param id the virtual system's
 */
export function ovfEnvironment(id: string, properties: readonly { name: string; text: string }[]): string {
  const lines = properties.map(
    ({ name, text }) => `    <Property oe:key="${escapeXml(name)}" oe:value="${escapeXml(text)}"/>\n`,
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    '<Environment xmlns="http://schemas.dmtf.org/ovf/environment/1"\n',
    '    xmlns:oe="http://schemas.dmtf.org/ovf/environment/1"\n',
    `    oe:id="${escapeXml(id)}">\n`,
    ...(lines.length === 0 ? [] : ['  <PropertySection>\n', ...lines, '  </PropertySection>\n']),
    '</Environment>\n',
  ].join('');
}

/**
 * Text as the value of an XML attribute. Line ends and tabs are written as references, or a parser would make
 * blanks of them (XML 1.0, 3.3.3); characters that XML 1.0 cannot hold at all (2.2) become U+FFFD.
 */
export function escapeXml(text: string): string {
  return (
    text
      .replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
      .replace(/[\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`)
      .toWellFormed()
      // eslint-disable-next-line no-control-regex -- these are the characters in question
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
  );
}
