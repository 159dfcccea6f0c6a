import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import {
  defaultsOf,
  environmentText,
  imageText,
  ownerOf,
  passwdText,
} from '../../../src/base/oci/defaults.js';
import type { ImageConfig } from '../../../src/base/oci/schema.js';

const image = (config: ImageConfig['config']): ImageConfig => ({
  ...{ architecture: 'amd64', os: 'linux', config },
  rootfs: { type: 'layers', diff_ids: [] },
});
const accounts = {
  passwd: 'root:x:0:0::/root:/bin/sh\napp:x:1001:1002::/home/app:/bin/sh\n',
  group: 'tty:x:5:\n',
};

describe('defaults of a container image', () => {
  it('are what its configuration says, as far as a shell can have it', () => {
    const config = {
      Env: ['PATH=/opt/bin:/bin', "QUOTE=it's $HOME", 'bad-name=1', 'GVA_APP=/elsewhere', 'NOTHING'],
      ...{ Entrypoint: ['/app'], Cmd: ['--help'], User: 'app', WorkingDir: '/srv' },
    };
    const defaults = defaultsOf(image(config));
    expect(defaults).toEqual({
      environment: { PATH: '/opt/bin:/bin', QUOTE: "it's $HOME" },
      ...{ entrypoint: ['/app'], command: ['--help'], user: 'app', workingFolder: '/srv' },
    });
    const script = `${environmentText(defaults)}printf '%s|%s' "$PATH" "$QUOTE"`;
    expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe(
      "/opt/bin:/bin:/usr/lib/gva/bin|it's $HOME",
    );
  });

  it('are none where it says nothing', () => {
    for (const config of [undefined, null, { Env: null, Cmd: [], User: '' }])
      expect(defaultsOf(image(config))).toEqual({});
    expect(environmentText({})).toMatch(/^export PATH=\S+:\/usr\/lib\/gva\/bin\n$/);
  });

  it('give the program its own arguments, or those that are given', () => {
    const text = imageText({ entrypoint: ['/a b', "it's"], command: ['c'] }, ownerOf('', accounts));
    const run = (words: string) =>
      execFileSync('sh', ['-c', `launch() { printf '<%s>' "$@"; }\n${text}\nentrypoint ${words}`], {
        encoding: 'utf8',
      });
    expect(run('')).toBe("</a b><it's><c>");
    expect(run('1 "2 3"')).toBe("</a b><it's><1><2 3>");
  });

  it.each([
    ['', { uid: 0, gid: 0, home: '/' }],
    ['app', { uid: 1001, gid: 1002, home: '/home/app' }],
    ['app:tty', { uid: 1001, gid: 5, home: '/home/app' }],
    ['1001', { uid: 1001, gid: 1002, home: '/home/app' }],
    ['77:88', { uid: 77, gid: 88, home: '/' }],
  ])('know the user %j', (user, owner) => {
    expect(ownerOf(user, accounts)).toMatchObject(user === '' ? { uid: 0, gid: 0 } : owner);
  });

  it('give a user an account where there is none', () => {
    expect(passwdText(accounts, ownerOf('app', accounts))).toBe(accounts.passwd);
    expect(passwdText(accounts, ownerOf('77:88', accounts))).toBe(
      `${accounts.passwd}gva-image:x:77:88::/:/bin/sh\n`,
    );
  });

  it.each(['nobody-here', 'app:nowhere', '99999999999'])('refuse the user %j', (user) => {
    expect(() => ownerOf(user, accounts)).toThrow(/is not in its/);
  });
});
