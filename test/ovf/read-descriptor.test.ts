import { describe, expect, it } from 'vitest';
import { readDescriptor } from '../../src/ovf/read-descriptor.js';
import { descriptor, item, read, scsi, told } from './foreign-fixture.js';

describe('a valid descriptor', () => {
  it('is read without a word', () => {
    const { problems, ...envelope } = read(descriptor());
    expect(problems).toEqual([]);
    expect(envelope).toMatchObject({
      dialect: '1',
      files: [{ id: 'file1', href: 'disk.vmdk', size: 70000, compression: 'identity' }],
      disks: [{ id: 'disk1', fileRef: 'file1', capacity: 1048576 }],
      collection: false,
    });
    expect(envelope.systems[0]!.hardware[0]!.items[3]).toEqual({
      ...{ instanceId: '4', resourceType: 17, parent: '3', addressOnParent: '0', required: true },
      ...{ subtypes: [], connections: [], configurations: [], hostResources: ['ovf:/disk/disk1'] },
    });
  });

  it('may have texts in bundles, of which the first counts where there is no text of its own', () => {
    const bundle = (language: string, text: string) =>
      `<Strings xml:lang="${language}"><Msg ovf:msgid="m">${text}</Msg></Strings>`;
    const strings = bundle('de', 'Lizenz') + bundle('fr', 'Licence');
    const system = '<EulaSection><Info/><License ovf:msgid="m"/></EulaSection>';
    expect(read(descriptor({ strings, system })).systems[0]!.eulas).toEqual(['Lizenz']);
    const own = system.replace('/></', '>Terms</License></');
    expect(read(descriptor({ strings, system: own })).systems[0]!.eulas).toEqual(['Terms']);
    const elsewhere = strings.replaceAll('<Strings', '<s:Strings xmlns:s="urn:strings"');
    const bundles = elsewhere.replaceAll('</Strings', '</s:Strings');
    expect(told(read(descriptor({ strings: bundles })))).toEqual([]);
  });

  it('may describe several systems, which inherit the properties of their collection', () => {
    const property = '<Property ovf:key="k" ovf:type="string" ovf:value="v"/>';
    const text = descriptor()
      .replace(
        '<VirtualSystem ovf:id="vm">',
        `<VirtualSystemCollection ovf:id="all"><Info/><ProductSection><Info/>${property}</ProductSection>$&`,
      )
      .replace('</VirtualSystem>', '$&<StartupSection><Info/></StartupSection></VirtualSystemCollection>');
    const envelope = read(text);
    expect(told(envelope)).toEqual([]);
    expect(envelope).toMatchObject({
      collection: true,
      systems: [{ id: 'vm', products: [{ properties: [{ key: 'k', value: 'v' }] }] }],
    });
  });

  it('may give the capacity as the value of a property', () => {
    const product = (value: string) =>
      `<ProductSection ovf:class="vm" ovf:instance="1"><Info/><Property ovf:key="size" ovf:type="uint32" ${value}/></ProductSection>`;
    const disks = (key: string) =>
      `<Disk ovf:diskId="disk1" ovf:capacity="\${${key}}" ovf:capacityAllocationUnits="byte * 2^30"/>`;
    for (const key of ['size', 'vm.size.1']) {
      const envelope = read(descriptor({ disks: disks(key), system: product('ovf:value="2"') }));
      expect(told(envelope)).toEqual([]);
      expect(envelope.disks[0]!.capacity).toBe(2 * 2 ** 30);
    }
    expect(told(read(descriptor({ disks: disks('size'), system: product('') })))).toEqual([
      'error 6 ovf:capacity="${size}" names no property that has a value',
    ]);
  });

  it('may be made by GVA, which says what its disks are for', () => {
    const attributes = 'xmlns:gva="urn:gva:appliance:1"';
    const facts = 'gva:contract="1" gva:base="micro" gva:baseDigest="ab12" gva:digest="cd34"';
    const disks =
      '<Disk ovf:diskId="disk1" gva:role="app" ovf:capacity="1"/><Disk ovf:diskId="d2" gva:role="odd" ovf:capacity="1"/>';
    const text = (own: string) =>
      descriptor({ attributes, disks }).replace('<VirtualSystem ', `<VirtualSystem ${own} `);
    const envelope = read(text(facts));
    expect(told(envelope)).toEqual(['warning 6 gva:role="odd" is not known']);
    expect(envelope.disks.map(({ role }) => role)).toEqual(['app', undefined]);
    expect(envelope.systems[0]!.gva).toEqual({
      ...{ contract: 1, base: { name: 'micro', digest: 'ab12' }, digest: 'cd34' },
    });
    const broken = read(text(facts.replace('"ab12"', '"../x"')));
    expect(broken.systems[0]!.gva).toBeUndefined();
    expect(told(broken)).toContain(
      'warning 8 the attributes that say of a GVA appliance what it is are broken',
    );
  });
});

describe('dialects', () => {
  it.each([
    ['http://www.vmware.com/schema/ovf/1/envelope', '0.9'],
    ['http://schemas.dmtf.org/ovf/envelope/1', '1'],
    ['http://schemas.dmtf.org/ovf/envelope/1/', '1'],
    ['http://schemas.dmtf.org/ovf/envelope/2', '2'],
  ])('%s is OVF %s', (namespace, dialect) => {
    const envelope = read(descriptor({ namespace }));
    expect(envelope.dialect).toBe(dialect);
    expect(told(envelope)).toEqual([]);
  });

  it('reads OVF 0.9: sections by type, elements without a namespace, InstanceId, /disk/ID', () => {
    const envelope = read(`<o:Envelope xmlns:o="http://www.vmware.com/schema/ovf/1/envelope" o:version="0.9"
      xmlns:i="http://www.w3.org/2001/XMLSchema-instance"
      xmlns:r="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">
      <References><File o:id="f" o:href="d.vmdk"/></References>
      <Section i:type="ovf:DiskSection_Type"><Info/><Disk o:diskId="d" o:fileRef="f" o:capacity="1024MB"/></Section>
      <Content i:type="o:VirtualSystem_Type" o:id="vm"><Info/>
        <Section i:type="o:OperatingSystemSection_Type" o:id="36"><Info/></Section>
        <Section i:type="o:VirtualHardwareSection_Type" o:transport="iso, com.vmware.guestInfo"><Info/>
          <System><r:VirtualSystemType>vmx-04, xen-3</r:VirtualSystemType></System>
          <Item><r:ResourceType>17</r:ResourceType><r:HostResource>/disk/d</r:HostResource>
            <r:InstanceId>6</r:InstanceId><r:ResourceSubType>buslogic, lsilogic</r:ResourceSubType></Item>
        </Section></Content></o:Envelope>`);
    expect(told(envelope)).toEqual([]);
    expect(envelope).toMatchObject({
      dialect: '0.9',
      disks: [{ capacity: 2 ** 30 }],
      systems: [
        {
          operatingSystem: { id: 36 },
          hardware: [
            {
              ...{ transports: ['iso', 'com.vmware.guestInfo'], systemTypes: ['vmx-04', 'xen-3'] },
              items: [{ instanceId: '6', subtypes: ['buslogic', 'lsilogic'] }],
            },
          ],
        },
      ],
    });
  });

  it('reads OVF 2: items for storage and network cards', () => {
    const cim = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_';
    const items = `${scsi()}<StorageItem xmlns:s="${cim}StorageAllocationSettingData"><s:InstanceID>4</s:InstanceID>
      <s:ResourceType>17</s:ResourceType><s:HostResource>ovf://disk/disk1</s:HostResource></StorageItem>
      <EthernetPortItem xmlns:e="${cim}EthernetPortAllocationSettingData"><e:InstanceID>5</e:InstanceID>
      <e:ResourceType>10</e:ResourceType><e:DefaultPortVID>1</e:DefaultPortVID></EthernetPortItem>`;
    const envelope = read(descriptor({ namespace: 'http://schemas.dmtf.org/ovf/envelope/2', items }));
    expect(told(envelope)).toEqual([]);
    expect(envelope.systems[0]!.hardware[0]!.items.map(({ resourceType }) => resourceType)).toEqual([
      6, 17, 10,
    ]);
  });

  it('reads what oVirt writes: no capacity, no controllers, elements of its own', () => {
    const envelope = read(
      descriptor({
        namespace: 'http://schemas.dmtf.org/ovf/envelope/1/',
        references: '<File ovf:id="v1" ovf:href="i1/v1"/>',
        disks:
          '<Disk ovf:diskId="v1" ovf:size="10" ovf:fileRef="i1/v1" ovf:parentRef="" ovf:disk-interface="VirtIO"/>',
        system:
          '<CreationDate>2020</CreationDate><OperatingSystemSection ovf:id="4f2-uuid"><Info/></OperatingSystemSection>',
        items:
          item({ InstanceId: 3, ResourceType: 10, MACAddress: '' }) +
          item({ InstanceId: 3, ResourceType: 10 }) +
          item({ InstanceId: 'v1', ResourceType: 17, HostResource: 'i1/v1' }),
      }),
    );
    expect(envelope.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(envelope.disks).toEqual([
      { id: 'v1', fileRef: 'i1/v1', capacity: 10 * 2 ** 30, interface: 'VirtIO' },
    ]);
  });

  it.each([
    ['1048576', '', 1048576],
    ['1', 'ovf:capacityAllocationUnits="byte * 2^30"', 2 ** 30],
    ['1', 'ovf:capacityAllocationUnits="byte*2^20"', 2 ** 20],
    ['2', 'ovf:capacityAllocationUnits="MegaBytes"', 2 ** 21],
    ['2', 'ovf:capacityAllocationUnits="MB"', 2 ** 21],
    ['2', 'ovf:capacityAllocationUnits="KB"', 2048],
    ['2', 'ovf:capacityAllocationUnits="GigaBytes"', 2 ** 31],
    ['2', 'ovf:capacityAllocationUnits="byte * 10^3"', 2000],
    ['1024MB', 'ovf:capacityAllocationUnits="byte"', 2 ** 30],
    ['3 GiB', '', 3 * 2 ** 30],
  ])('a capacity of %s with %s is %d bytes', (capacity, units, bytes) => {
    const disks = `<Disk ovf:diskId="disk1" ovf:fileRef="file1" ovf:capacity="${capacity}" ${units}/>`;
    expect(read(descriptor({ disks })).disks[0]!.capacity).toBe(bytes);
  });
});

describe('encodings', () => {
  const text = (encoding: string) =>
    descriptor({ system: '<Name>K\u00f6ln</Name>' }).replace('"1.0"?', `"1.0" encoding="${encoding}"?`);
  it.each<[string, Buffer]>([
    ['UTF-8 with a mark', Buffer.from(`\ufeff${text('utf-8')}`)],
    ['UTF-16', Buffer.from(`\ufeff${text('utf-16')}`, 'utf16le')],
    ['ISO 8859-1', Buffer.from(text('iso-8859-1'), 'latin1')],
  ])('%s', (_name, bytes) => {
    const envelope = readDescriptor(bytes, 'x.ovf');
    expect(envelope.systems[0]!.name).toBe('K\u00f6ln');
    expect(told(envelope)).toEqual([]);
  });

  it('that are not the ones they say they are: XenCenter', () => {
    const envelope = read(text('utf-16'));
    expect(envelope.systems[0]!.name).toBe('K\u00f6ln');
    expect(told(envelope)).toEqual(['warning 1 it says that it is UTF-16, but is not; it is read as UTF-8']);
  });
});

describe('a document that is no descriptor', () => {
  it.each([
    ['', /^x\.ovf:1:1: no well-formed XML: Document is empty$/],
    ['<a>\n<b></a>', /^x\.ovf:2:8: no well-formed XML: Opening and ending tag mismatch/],
    ['<Envelope/>', /is no OVF descriptor: its root is "Envelope" of the namespace ""$/],
    [
      '<Environment xmlns="http://schemas.dmtf.org/ovf/environment/1"/>',
      /its root is "Environment" of the namespace "http:\/\/schemas.dmtf.org\/ovf\/environment\/1"$/,
    ],
  ])('%j', (text, message) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({
        code: 'OVF_DESCRIPTOR',
        message: expect.stringMatching(message) as string,
      }) as Error,
    );
  });
});
