import { type BaseManifest, distributionOf, filesOf } from '../model/base.js';
import { packageVersion } from '../system/package.js';

type Described = Pick<BaseManifest, 'name' | 'digest' | 'packages' | 'files'> & Partial<BaseManifest>;

/**
 * The bill of materials of a base image: what packages it is made of, as SPDX 2.3 (ISO/IEC 5962:2021 and its successor) in
 * JSON. The same base gives the same bytes.
 */
export function billOfMaterials(base: Described): string {
  const { name, digest, builtAt = '1970-01-01T00:00:00Z', description = '' } = base;
  const parts = partsOf(base);
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `gva-base-${name}`,
    documentNamespace: `https://spdx.org/spdxdocs/gva-base-${name}-${digest}`,
    // The standard knows no fractions of seconds (6.9).
    creationInfo: {
      created: builtAt.replace(/\.\d+Z$/, 'Z'),
      creators: [`Tool: gva-${packageVersion()}`],
    },
    packages: [
      {
        ...{ name, SPDXID: baseId, versionInfo: base.version ?? digest.slice(0, 16) },
        ...{ ...unknown, primaryPackagePurpose: 'OPERATING-SYSTEM', summary: description },
        // Of the whole: the digest over those of its files (docs/bases.md).
        checksums: [{ algorithm: 'SHA256', checksumValue: digest }],
        comment: filesOf(base)
          .map((file) => `${file.name}: SHA256 ${file.sha256}`)
          .join('\n'),
      },
      ...parts,
    ],
    relationships: [
      relationship('SPDXRef-DOCUMENT', 'DESCRIBES', baseId),
      ...parts.map(({ SPDXID }) => relationship(baseId, 'CONTAINS', SPDXID)),
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

const baseId = 'SPDXRef-Base';

/** What nobody has looked at. */
const unknown = {
  downloadLocation: 'NOASSERTION',
  filesAnalyzed: false,
  licenseConcluded: 'NOASSERTION',
  licenseDeclared: 'NOASSERTION',
  copyrightText: 'NOASSERTION',
} as const;

const relationship = (from: string, type: string, to: string) => ({
  spdxElementId: from,
  relationshipType: type,
  relatedSpdxElement: to,
});

/** The packages of the root, and those that only the disk for other hypervisors was made from. */
function partsOf(base: Described) {
  const disk = base.files.root && base.files.disk?.packages;
  const all = new Map(Object.entries({ ...disk, ...base.packages }));
  // A package that both have in two versions is there twice.
  const versions = [...all].map(([name, version]) => [name, version] as const);
  const others = Object.entries(disk ?? {}).filter(([name, version]) => all.get(name) !== version);
  const type = packageType(base);
  return [...versions, ...others]
    .sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map(([name, version], index) => ({
      ...{ name, SPDXID: `SPDXRef-Package-${index + 1}`, versionInfo: version, ...unknown },
      ...(type === undefined ? {} : { externalRefs: [packageUrl(type, name, version, base.arch)] }),
    }));
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Types of package URLs by the `ID` of os-release(5). */
const types: Readonly<Record<string, string>> = {
  debian: 'deb/debian',
  ubuntu: 'deb/ubuntu',
  alpine: 'apk/alpine',
  fedora: 'rpm/fedora',
};

/** GVA's own bases are made of Debian packages, also where they are no Debian. */
function packageType(base: Described): string | undefined {
  const id = distributionOf(base)?.id ?? (base.name === 'micro' ? 'debian' : undefined);
  return id === undefined ? undefined : types[id];
}

const architectures: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };

/** A package URL (ECMA-427). */
function packageUrl(type: string, name: string, version: string, arch = 'x86_64') {
  const [bare = name] = name.split(':');
  const place = `pkg:${type}/${encodeURIComponent(bare)}@${encodeURIComponent(version)}`;
  const architecture = type.startsWith('deb') ? (architectures[arch] ?? arch) : arch;
  return {
    referenceCategory: 'PACKAGE-MANAGER',
    referenceType: 'purl',
    referenceLocator: `${place}?arch=${architecture}`,
  };
}
