import { printable } from '../../vmm/console-ring.js';

export interface Login {
  readonly user: string;
  readonly password?: string;
}

/** How an installation over a serial line ended. */
export type SerialOutcome =
  | { readonly kind: 'installed' }
  /** With what the installer or the login said. */
  | { readonly kind: 'failed'; readonly said: string };

/** What is looked at of what was said last. */
const window = 8192;

/**
 * Reads a serial console and says what to type, until a command that was typed into a root shell has told how it ended.
 * Knows a login, and a shell that waits for no login.
 */
export class SerialLogin {
  readonly #login: Login;
  readonly #command: string;
  #heard = '';
  #state: 'waiting' | 'named' | 'trusted' | 'typed' = 'waiting';
  outcome: SerialOutcome | undefined;

  /** @param command one line, which writes `@gva-adopt STATUS TEXT` when it has ended */
  constructor(login: Login, command: string) {
    this.#login = login;
    this.#command = command;
  }

  /** A shell has taken the command. */
  get isInside(): boolean {
    return this.#state === 'typed';
  }

  /** @returns what is to be typed now, with its end of line */
  hear(text: string): string | undefined {
    this.#heard = (this.#heard + text).slice(-window);
    if (this.#ended()) return undefined;
    const lines = printable(this.#heard.replaceAll('\r', '\n')).split('\n');
    return this.#answer(lines.at(-1) ?? '', lines);
  }

  #ended(): boolean {
    const found = /@gva-adopt (\d+) ([^\r\n]*)[\r\n]/.exec(this.#heard);
    if (found) this.outcome = found[1] === '0' ? { kind: 'installed' } : this.#failed(found[2] ?? '');
    return this.outcome !== undefined;
  }

  #failed(said: string): SerialOutcome {
    return { kind: 'failed', said: printable(said).slice(0, 500) };
  }

  #answer(line: string, lines: readonly string[]): string | undefined {
    if (this.#state === 'typed') return undefined;
    if (this.#state !== 'waiting' && lines.some((each) => /login incorrect/i.test(each))) {
      this.outcome = this.#failed(`${this.#login.user} may not log in with this password`);
      return undefined;
    }
    // Again where it has given up waiting.
    if (/\blogin: *$/i.test(line)) return this.#type('named', this.#login.user);
    if (/\bpassword: *$/i.test(line) && this.#state === 'named') return this.#password();
    if (/(^|[^\s])[#$] *$/.test(line)) return this.#type('typed', this.#command);
    return undefined;
  }

  #password(): string | undefined {
    const { password, user } = this.#login;
    if (password !== undefined) return this.#type('trusted', password);
    this.outcome = this.#failed(`the login asks for the password of ${user}`);
    return undefined;
  }

  #type(state: 'named' | 'trusted' | 'typed', text: string): string {
    this.#state = state;
    this.#heard = '';
    return `${text}\r`;
  }
}
