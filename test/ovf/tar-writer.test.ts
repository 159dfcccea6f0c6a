import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openRaw } from '../../src/disk/source.js';
import { parseTarHeader } from '../../src/ovf/tar/header.js';
import { indexTar } from '../../src/ovf/tar/read-index.js';
import { OvaWriter, ustarHeader, writeOva } from '../../src/ovf/tar/writer.js';
import { run, scratch } from '../disk/ext4-fixture.js';

/** An OVA as `pack` makes it: descriptor and manifest first, whose contents come last. */
async function sample(path: string, mtime = 0): Promise<void> {
  await writeOva(
    path,
    async (ova) => {
      ova.reserve('x.ovf', 11);
      ova.reserve('x.mf', 600);
      await ova.stream('x-disk1.vmdk', async (write) => {
        await write(Buffer.alloc(700, 'd'));
        await write(Buffer.alloc(33, 'e'));
      });
      await ova.stream('x-empty.iso', () => Promise.resolve());
      await ova.fill('x.mf', Buffer.alloc(600, 'm'));
      await ova.fill('x.ovf', Buffer.from('<Envelope/>'));
    },
    { mtime },
  );
}

describe('the bytes', () => {
  test('are those of GNU tar --format=ustar', async () => {
    const folder = scratch();
    await sample(join(folder, 'own.ova'), 1_700_000_000);
    const tree = join(folder, 'tree');
    mkdirSync(tree);
    writeFileSync(join(tree, 'x.ovf'), '<Envelope/>');
    writeFileSync(join(tree, 'x.mf'), 'm'.repeat(600));
    writeFileSync(join(tree, 'x-disk1.vmdk'), 'd'.repeat(700) + 'e'.repeat(33));
    writeFileSync(join(tree, 'x-empty.iso'), '');
    const owner = ['--owner=root:0', '--group=root:0', '--mode=0644', '--mtime=@1700000000'];
    const names = ['x.ovf', 'x.mf', 'x-disk1.vmdk', 'x-empty.iso'];
    run('tar', ['--format=ustar', '-b1', ...owner, '-C', tree, '-cf', join(folder, 'tar.ova'), ...names]);
    expect(readFileSync(join(folder, 'own.ova')).equals(readFileSync(join(folder, 'tar.ova')))).toBe(true);
  });

  test('of a header, one by one', () => {
    const fields: [offset: number, text: string][] = [
      [0, 'a.vmdk'],
      [100, '0000644\0'],
      [108, '0000000\0'],
      [116, '0000000\0'],
      [124, '00000001750\0'],
      [136, '00000000000\0'],
      [148, '012123\0 '],
      [156, '0'],
      [257, 'ustar\0' + '00'],
      [265, 'root'],
      [297, 'root'],
      [329, '0000000\0'],
      [337, '0000000\0'],
    ];
    const expected = Buffer.alloc(512);
    for (const [offset, text] of fields) expected.write(text, offset, 'latin1');
    expect(ustarHeader('a.vmdk', 1000).toString('latin1')).toBe(expected.toString('latin1'));
  });

  test('of sizes: octal below 8 GiB, base-256 from there on', () => {
    const size = (bytes: number) => ustarHeader('a', bytes).subarray(124, 136).toString('latin1');
    expect(size(8 * 2 ** 30 - 1)).toBe('77777777777\0');
    expect(size(8 * 2 ** 30)).toBe('\x80\0\0\0\0\0\0\x02\0\0\0\0');
    expect(size(2 ** 45 + 5)).toBe('\x80\0\0\0\0\0\x20\0\0\0\0\x05');
    for (const bytes of [0, 8 * 2 ** 30 - 1, 8 * 2 ** 30, 2 ** 45 + 5])
      expect(parseTarHeader(ustarHeader('a', bytes), 0)).toEqual({ name: Buffer.from('a'), size: bytes, type: '0' }); // prettier-ignore
  });

  test('are the same each time', async () => {
    const folder = scratch();
    await sample(join(folder, 'a'));
    await sample(join(folder, 'b'));
    expect(readFileSync(join(folder, 'a')).equals(readFileSync(join(folder, 'b')))).toBe(true);
    expect(run('tar', ['-tvf', join(folder, 'a')])).toContain('-rw-r--r-- root/root       733 1970-01-01');
  });
});

test('tar reads what is written, of any size and in any pieces', async () => {
  const folder = scratch();
  const member = fc.record({ pieces: fc.array(fc.nat(3000), { maxLength: 5 }), isReserved: fc.boolean() });
  const check = async (members: { pieces: number[]; isReserved: boolean }[]): Promise<void> => {
    const path = join(folder, 'x.ova');
    const expected = members.map(({ pieces }, n) => Buffer.concat(pieces.map((length) => Buffer.alloc(length, `${n} ${length} `)))); // prettier-ignore
    await writeOva(path, async (ova) => {
      for (const [n, { pieces, isReserved }] of members.entries()) {
        if (isReserved) ova.reserve(`m${n}`, expected[n]!.length);
        else
          await ova.stream(`m${n}`, async (write) => {
            for (const length of pieces) await write(Buffer.alloc(length, `${n} ${length} `));
          });
      }
      for (const [n, { isReserved }] of members.entries())
        if (isReserved) await ova.fill(`m${n}`, expected[n]!);
    });
    await using file = await openRaw(path);
    const index = await indexTar(file, { members: 100 });
    expect([...index.members.keys()]).toEqual(members.map((_, n) => `m${n}`));
    for (const [n, content] of expected.entries()) {
      const { offset, size } = index.members.get(`m${n}`)!;
      expect((await file.read(offset, size)).equals(content)).toBe(true);
    }
  };
  await fc.assert(fc.asyncProperty(fc.array(member, { minLength: 1, maxLength: 6 }), check), {
    seed: 5,
    numRuns: 60,
  });
});

test('more than a piece at once, and what comes back', async () => {
  const path = join(scratch(), 'x.ova');
  const content = Buffer.alloc(3 * 2 ** 20 + 77, 'some more than three megabytes, ');
  const digest = (algorithm: string, bytes: Buffer) => createHash(algorithm).update(bytes).digest('hex');
  for (const algorithm of ['SHA256', 'SHA1'] as const) {
    await writeOva(
      path,
      async (ova) => {
        ova.reserve('a', 3);
        const written = await ova.stream('b', async (write) => {
          const reused = Buffer.from('first');
          await write(reused);
          reused.fill(0); // the writer has its own copy
          await write(content);
        });
        const all = Buffer.concat([Buffer.from('first'), content]);
        expect(written).toEqual({
          name: 'b',
          size: all.length,
          digest: digest(algorithm.toLowerCase(), all),
        });
        const filled = await ova.fill('a', Buffer.from('abc'));
        expect(filled).toEqual({ name: 'a', size: 3, digest: digest(algorithm.toLowerCase(), Buffer.from('abc')) }); // prettier-ignore
      },
      { algorithm },
    );
    expect(run('sh', ['-c', 'tar -xOf "$0" b | tail -c +6 | sha256sum', path])).toContain(digest('sha256', content)); // prettier-ignore
  }
});

describe('what is not written', () => {
  test.each(['', 'a b', 'a/b', '../a', '.a', '-a', 'ä', 'a\n', 'a'.repeat(100)])(
    'the name "%s"',
    async (name) => {
      const path = join(scratch(), 'x.ova');
      const named = writeOva(path, async (ova) => {
        ova.reserve(name, 1);
        await ova.fill(name, Buffer.alloc(1));
      });
      await expect(named).rejects.toMatchObject({ code: 'PACKAGE_NAME' });
    },
  );

  test('a package that fails leaves nothing', async () => {
    const folder = scratch();
    const failing = writeOva(join(folder, 'x.ova'), async (ova) => {
      await ova.stream('a', (write) => write(Buffer.alloc(5000)));
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(readdirSync(folder)).toEqual([]);
    await expect(writeOva(join(folder, 'none/x.ova'), () => Promise.resolve())).rejects.toMatchObject({ code: 'PACKAGE_WRITE' }); // prettier-ignore
  });

  test('wrong use is a bug', async () => {
    const folder = scratch();
    const using = (work: (ova: OvaWriter) => Promise<unknown>) =>
      expect(writeOva(join(folder, 'x.ova'), async (ova) => {
        ova.reserve('a', 2);
        await work(ova);
      })).rejects; // prettier-ignore
    const nothing = () => Promise.resolve();
    await using((ova) => ova.fill('b', Buffer.alloc(1))).toThrow('none were reserved');
    await using((ova) => ova.fill('a', Buffer.alloc(1))).toThrow('2 were reserved');
    await using(nothing).toThrow('not filled');
    await using((ova) => ova.stream('a', nothing)).toThrow('twice');
    const within = (ova: OvaWriter) => async () => {
      await ova.stream('c', nothing);
    };
    await using((ova) => ova.stream('b', within(ova))).toThrow('another');
    expect(existsSync(join(folder, 'x.ova'))).toBe(false);
  });

  test('a full disk is no bug', async () => {
    await using file = await open('/dev/full', 'r+');
    const ova = new OvaWriter(file);
    const full = ova.stream('a', (write) => write(Buffer.alloc(2 << 20)));
    await expect(full).rejects.toMatchObject({ code: 'PACKAGE_WRITE', exitCode: 69 });
  });
});
