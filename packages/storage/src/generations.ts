import type { Accounts } from './accounts/accounts.ts';
import type { GenerationRecord } from './statement.ts';

/** The authority's statements of the generations of a storage, in accounts.db. */
export class Generations {
  readonly #accounts: Accounts;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  async statement(n: number): Promise<Uint8Array | undefined> {
    return this.#accounts.setting(name(n));
  }

  /** The one that is there already stays. */
  async keep({ n, certificate }: GenerationRecord): Promise<void> {
    if ((await this.statement(n)) === undefined) await this.#accounts.setSetting(name(n), certificate);
    if (n > (await this.highest())) await this.#accounts.setSetting(highestName, Buffer.from(String(n)));
  }

  /** The highest of which there is a statement; 0 when there is none. */
  async highest(): Promise<number> {
    const stored = await this.#accounts.setting(highestName);
    return stored === undefined ? 0 : Number(Buffer.from(stored).toString('latin1'));
  }
}

const highestName = 'generation.highest';

function name(n: number): string {
  return `generation.${n}`;
}
