import { describe, expect, it } from 'vitest';
import { type Login, SerialLogin } from '../../../src/instance/adopt/serial-login.js';

/** Speaks lines to a login and gives what was typed for each. */
function talk(login: Login, ...said: string[]): { typed: (string | undefined)[]; serial: SerialLogin } {
  const serial = new SerialLogin(login, 'install');
  return { typed: said.map((text) => serial.hear(text)), serial };
}

const root = { user: 'root' };
const withPassword = { user: 'me', password: 'secret' };

describe('a serial console', () => {
  it('of a root who is logged in already', () => {
    const { typed, serial } = talk(
      root,
      '[ 1.0] booting\r\n',
      '\x1b[?2004hroot@host:~# ',
      'install\r\n',
      '\r\n@gva-adopt 0 done;\r\n',
    );
    expect(typed).toEqual([undefined, 'install\r', undefined, undefined]);
    expect(serial.outcome).toEqual({ kind: 'installed' });
  });

  it('of a root without a password', () => {
    const { typed } = talk(
      root,
      'Debian 12 host ttyS0\r\n\r\nhost login: ',
      'root\r\nLinux host\r\n',
      'root@host:~# ',
    );
    expect(typed).toEqual(['root\r', undefined, 'install\r']);
  });

  it('of somebody with a password', () => {
    const { typed } = talk(withPassword, 'host login: ', 'me\r\nPassword: ', '\r\nWelcome\r\nme@host:~$ ');
    expect(typed).toEqual(['me\r', 'secret\r', 'install\r']);
  });

  it('that asks for a password that was not given', () => {
    const { typed, serial } = talk(root, 'host login: ', 'root\r\nPassword: ');
    expect(typed).toEqual(['root\r', undefined]);
    expect(serial.outcome).toEqual({ kind: 'failed', said: 'the login asks for the password of root' });
  });

  it('that takes the password for wrong', () => {
    const { serial } = talk(
      withPassword,
      'host login: ',
      'Password: ',
      '\r\nLogin incorrect\r\nhost login: ',
    );
    expect(serial.outcome).toEqual({ kind: 'failed', said: 'me may not log in with this password' });
  });

  it('whose prompt comes in pieces, or before a message of the kernel', () => {
    const { typed, serial } = talk(
      root,
      'host lo',
      'gin: ',
      '',
      '[ 9.9] late\r\n',
      '\r\nhost login: ',
      '\r\n# ',
    );
    expect(typed).toEqual([undefined, 'root\r', undefined, undefined, 'root\r', 'install\r']);
    expect(serial.isInside).toBe(true);
  });

  it('tells what the installer says of its failure', () => {
    const { serial } = talk(root, '# ', '@gva-adopt 1 install.sh: no;\r\n');
    expect(serial.outcome).toEqual({ kind: 'failed', said: 'install.sh: no;' });
  });

  it('is told nothing by the command as it is echoed, or by what only looks like a prompt', () => {
    const { typed, serial } = talk(root, 'price: 5 $ \r\n', '100%', '# ', 'printf "@gva-adopt %s"\r\n');
    expect(typed).toEqual([undefined, undefined, 'install\r', undefined]);
    expect(serial.outcome).toBeUndefined();
  });
});
