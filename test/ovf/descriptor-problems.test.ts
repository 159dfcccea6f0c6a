import { describe, expect, it } from 'vitest';
import { type Parts, cpu, descriptor, disk, item, memory, read, told } from './foreign-fixture.js';

const problemsOf = (parts: Parts) => told(read(descriptor(parts)));

describe('what makes a descriptor unusable', () => {
  const disks = (attributes: string) => ({ disks: `<Disk ovf:diskId="disk1" ${attributes}/>` });
  it.each<[string, Parts, string]>([
    [
      'two files of one id',
      { references: '<File ovf:id="file1" ovf:href="a"/><File ovf:id="file1" ovf:href="b"/>' },
      'error 5 two files have the id "file1"',
    ],
    [
      'a file without a name',
      { references: '<File ovf:id="file1"/>', disks: '', items: '' },
      'error 5 File has no attribute ovf:href',
    ],
    [
      'compression by bzip2',
      { references: '<File ovf:id="file1" ovf:href="a" ovf:compression="bzip2"/>' },
      'error 5 files compressed by "bzip2" cannot be read, only by gzip',
    ],
    [
      'a size of 2^63',
      { references: '<File ovf:id="file1" ovf:href="a" ovf:size="9223372036854775808"/>' },
      'error 5 ovf:size="9223372036854775808" is beyond every file (2^53 bytes and more)',
    ],
    [
      'a size below zero',
      { references: '<File ovf:id="file1" ovf:href="a" ovf:size="-1"/>' },
      'error 5 ovf:size="-1" is no size in bytes',
    ],
    [
      'chunks of nothing',
      { references: '<File ovf:id="file1" ovf:href="a" ovf:chunkSize="0"/>' },
      'error 5 ovf:chunkSize="0" is no size in bytes',
    ],
    ['no capacity', disks(''), 'error 6 Disk has no attribute ovf:capacity'],
    [
      'a capacity of nothing',
      disks('ovf:capacity="0"'),
      'error 6 a capacity of "0" in units of "byte" is none',
    ],
    [
      'a capacity of 2^93',
      disks('ovf:capacity="9223372036854775808" ovf:capacityAllocationUnits="byte * 2^30"'),
      'error 6 a capacity of "9223372036854775808" in units of "byte * 2^30" is beyond every disk',
    ],
    [
      'a capacity in apples',
      disks('ovf:capacity="3" ovf:capacityAllocationUnits="apples"'),
      'error 6 a capacity of "3" in units of "apples" is no size',
    ],
    [
      'more populated than there is',
      disks('ovf:capacity="3" ovf:populatedSize="4"'),
      'error 6 a disk of 3 bytes cannot hold 4 (ovf:populatedSize)',
    ],
    [
      'a delta disk',
      disks('ovf:capacity="3" ovf:parentRef="disk0"'),
      'error 6 the disk holds only what differs from another one (ovf:parentRef)',
    ],
    [
      'a disk of no file',
      disks('ovf:capacity="3" ovf:fileRef="f9"'),
      'error 6 there is no file with the id "f9"',
    ],
    [
      'two disks of one id',
      { disks: '<Disk ovf:diskId="disk1" ovf:capacity="1"/><Disk ovf:diskId="disk1" ovf:capacity="1"/>' },
      'error 6 two disks have the id "disk1"',
    ],
    [
      'a disk that is not there',
      { items: disk({ HostResource: 'ovf:/disk/disk9' }) },
      'error 11 "ovf:/disk/disk9" is not in the package: no disk or file has this id',
    ],
    [
      'a disk that is elsewhere',
      { items: disk({ HostResource: 'nonexistent.vmdk' }) },
      'error 11 "nonexistent.vmdk" is outside of the package, and left out',
    ],
    ['an item of no id', { items: item({ ResourceType: 3 }) }, 'error 11 Item has no InstanceID'],
    ['an item of no type', { items: item({ InstanceID: 3 }) }, 'error 11 Item has no ResourceType'],
    [
      'an item of a type that is none',
      { items: item({ InstanceID: 3, ResourceType: 65536 }) },
      'error 11 the ResourceType "65536" is no number from 0 to 65535',
    ],
    [
      'a quantity in words',
      { items: cpu({ VirtualQuantity: 'two' }) },
      'error 11 VirtualQuantity "two" is no whole number',
    ],
    [
      'a quantity of 2^63',
      { items: cpu({ VirtualQuantity: '9223372036854775808' }) },
      'error 11 VirtualQuantity "9223372036854775808" is beyond every machine',
    ],
    [
      'two items of one id',
      { items: cpu() + memory({ InstanceID: 1 }) },
      'error 12 two items have the instance id "1"',
    ],
    [
      'two lower bounds of one item',
      { items: cpu() + cpu({}, 'ovf:bound="min"') + cpu({}, 'ovf:bound="min"') },
      'error 13 two items have the instance id "1"',
    ],
    [
      'a setting that is not known',
      { items: item({ InstanceID: 1, ResourceType: 3, Unheard: 1 }) },
      'error 11 "Unheard" is not known, and without ovf:required="false" it is required',
    ],
    [
      'a section that is not known',
      { system: '<other:FooSection/>' },
      'error 9 "FooSection" is not known, and without ovf:required="false" it is required',
    ],
    [
      'a section of a producer that is required',
      { system: '<vmw:FooSection ovf:required="true"/>' },
      'error 9 "FooSection" is not known, but required',
    ],
    [
      'a section in the wrong place',
      { envelope: '<EulaSection><Info/></EulaSection>' },
      'error 7 EulaSection may not stand here, only in VirtualSystem and VirtualSystemCollection',
    ],
    [
      'an element of a section that is not known',
      { envelope: '<NetworkSection><Info/><Foo/></NetworkSection>' },
      'error 7 "Foo" is not known, and without ovf:required="false" it is required',
    ],
    [
      'two networks of one name',
      { envelope: '<NetworkSection><Info/><Network ovf:name="a"/><Network ovf:name="a"/></NetworkSection>' },
      'error 7 two networks have the name "a"',
    ],
    [
      'two products of one class',
      { system: '<ProductSection ovf:class="c"><Info/></ProductSection>'.repeat(2) },
      'error 9 two product sections have the class "c" and the instance ""',
    ],
    [
      'two properties of one key',
      { system: `<ProductSection>${'<Property ovf:key="k" ovf:type="string"/>'.repeat(2)}</ProductSection>` },
      'error 9 two properties have the key "k"',
    ],
    [
      'a property without a key',
      { system: '<ProductSection><Property ovf:type="string"/></ProductSection>' },
      'error 9 Property has no attribute ovf:key',
    ],
  ])('%s', (_what, parts, problem) => {
    expect(problemsOf(parts)).toContain(problem);
  });

  it('no system, no hardware, or two of one id', () => {
    const none = descriptor().replace(/<VirtualSystem [\s\S]*<\/VirtualSystem>/, '');
    expect(told(read(none))).toEqual(['error 4 the envelope has no virtual system']);
    const bare = descriptor().replace(/<VirtualHardwareSection>[\s\S]*<\/VirtualHardwareSection>/, '');
    expect(told(read(bare))).toEqual(['error 8 the virtual system has no VirtualHardwareSection']);
    const two = descriptor().replace(/<VirtualSystem [\s\S]*<\/VirtualSystem>/, '$&$&');
    expect(told(read(two))).toEqual(['error 17 two virtual systems have the id "vm"']);
  });
});

describe('what does not', () => {
  it.each<[string, Parts, string[]]>([
    [
      'a section for managers of many machines in the wrong place',
      { envelope: '<StartupSection><Info/></StartupSection>' },
      ['warning 7 StartupSection may not stand here, only in VirtualSystemCollection'],
    ],
    ['a section that may be left out', { system: '<other:FooSection ovf:required="false"/>' }, []],
    [
      "a producer's section that does not say so",
      { system: '<vmw:StorageSection/>' },
      ['warning 9 "StorageSection" is not known and was passed over'],
    ],
    ["VMware's settings, also required ones", { hardware: '<vmw:Config vmw:key="a" vmw:value="b"/>' }, []],
    [
      'a broken item that may be left out',
      { items: item({ InstanceID: 9 }, 'ovf:required="false"') },
      ['warning 11 Item has no ResourceType'],
    ],
    [
      'a file outside of the package',
      { references: '<File ovf:id="file1" ovf:href="http://host/disk.vmdk"/>' },
      ['warning 5 "http://host/disk.vmdk" is outside of the package, and nothing is read from there'],
    ],
    [
      'a network that is not described',
      { items: item({ InstanceID: 9, ResourceType: 10, Connection: 'LAN' }) },
      ['warning 11 the network "LAN" is described nowhere'],
    ],
    [
      "a drive with a disc of the producer's host, and its other connections",
      { items: item({ InstanceID: 9, ResourceType: 15, HostResource: '/dev/cdrom', Connection: 'sr=1' }) },
      ['warning 11 "/dev/cdrom" is outside of the package, and left out'],
    ],
    [
      'two disks with the contents of one file',
      {
        disks:
          '<Disk ovf:diskId="disk1" ovf:fileRef="file1" ovf:capacity="1"/><Disk ovf:diskId="disk2" ovf:fileRef="file1" ovf:capacity="1"/>',
      },
      ['warning 6 another disk has the contents of file "file1", too'],
    ],
    [
      'several products of no class, whose keys differ',
      {
        system:
          '<ProductSection><Info/><Property ovf:key="a" ovf:type="string"/></ProductSection>' +
          '<ProductSection><Info/><Property ovf:key="b" ovf:type="string"/></ProductSection>',
      },
      ['warning 9 two product sections have the class "" and the instance ""'],
    ],
    [
      'an item for a configuration that is not described',
      { items: cpu({}, 'ovf:configuration="big"') },
      ['warning 11 it is for a configuration "big", which is described nowhere'],
    ],
  ])('%s', (_what, parts, problems) => {
    expect(problemsOf(parts)).toEqual(problems);
  });

  it('a prefix that is not declared, and a namespace that is no URI', () => {
    const odd = descriptor({
      attributes: 'xmlns:odd="a b"',
      disks: '<Disk ovf:diskId="disk1" nix:x="1" ovf:capacity="1"/>',
    });
    expect(told(read(odd))).toEqual([
      "warning 2 xmlns:odd: 'a b' is not a valid URI",
      'warning 6 Namespace prefix nix for x on Disk is not defined',
    ]);
  });

  it('texts of strangers are shown on one line, without what would play tricks with a terminal', () => {
    const system =
      '<ProductSection><Property ovf:key="k" ovf:type="string" ovf:configuration="a\u202eb\u009b"/></ProductSection>';
    expect(problemsOf({ system }).at(-1)).toBe(
      'warning 9 it is for a configuration "a b ", which is described nowhere',
    );
  });
});
