import type { AccountId, IdKey, Logger } from '@coffer/core';
import { fromHex, idKey, isCofferError } from '@coffer/core';
import { foldChain, parseIdentityStatement } from '@coffer/journal';
import type { Accounts } from '../accounts/accounts.ts';
import { Generations } from '../generations.ts';
import { decodeStatement } from '../statement.ts';
import type { ExpiryRecord, GenerationRecord, HoldRecord, SetAsideRecord } from '../statement.ts';

/** Identity statements that a recovery met in packs: they may be newer than an accounts.db that came from a backup. */
export class FoundStatements {
  readonly #chains = new Map<IdKey, Map<number, Uint8Array>>();
  readonly #generations: GenerationRecord[] = [];

  /** Payload of a statement record; what does not parse is passed over. What is the index's is handed back. */
  add(payload: Uint8Array): ExpiryRecord | HoldRecord | SetAsideRecord | undefined {
    try {
      const statement = decodeStatement(payload);
      if (statement?.type === 'generation') this.#generations.push(statement);
      if (statement === undefined || statement.type === 'generation') return undefined;
      if (statement.type !== 'identity') return statement;
      const { seq } = parseIdentityStatement(statement.statement).payload;
      const key = idKey(statement.account);
      const chain = this.#chains.get(key) ?? new Map<number, Uint8Array>();
      this.#chains.set(key, chain.set(seq, statement.statement));
    } catch (error) {
      if (!isCofferError(error)) throw error;
    }
    return undefined;
  }

  /** Gives accounts.db what follows on its chains, and the generations that it does not know. */
  async restore(accounts: Accounts, logger: Logger): Promise<void> {
    for (const generation of this.#generations) await new Generations(accounts).keep(generation);
    for (const [key, chain] of this.#chains) {
      const account: AccountId = fromHex(key);
      const known = accounts.identityStatements(account);
      if (known.length === 0) {
        logger.warn({ account: key }, 'the packs hold an identity that accounts.db does not know');
        continue;
      }
      await this.#extend(accounts, { account, known, chain, logger });
    }
  }

  /** The account's statements after a seq: those of accounts.db, or else those found. */
  chain(accounts: Accounts, account: AccountId, after: number): readonly Uint8Array[] {
    const known = accounts.identityStatements(account, after);
    if (known.length > 0 || accounts.identityStatements(account).length > 0) return known;
    return follow(this.#chains.get(idKey(account)), after);
  }

  async #extend(
    accounts: Accounts,
    {
      account,
      known,
      chain,
      logger,
    }: { account: AccountId; known: readonly Uint8Array[]; chain: ReadonlyMap<number, Uint8Array>; logger: Logger },
  ): Promise<void> {
    let state = foldChain(known);
    for (const statement of follow(chain, state.seq)) {
      try {
        state = foldChain([statement], state);
      } catch (error) {
        if (!isCofferError(error)) throw error;
        logger.warn(
          { account: idKey(account), seq: state.seq + 1, code: error.code },
          'a found statement does not follow',
        );
        return;
      }
      await accounts.restoreIdentity(account, statement);
    }
  }
}

function follow(chain: ReadonlyMap<number, Uint8Array> | undefined, after: number): Uint8Array[] {
  const statements: Uint8Array[] = [];
  for (let seq = after + 1; ; seq += 1) {
    const statement = chain?.get(seq);
    if (!statement) return statements;
    statements.push(statement);
  }
}
