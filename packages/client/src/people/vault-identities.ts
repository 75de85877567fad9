import { equalBytes, idKey } from '@coffer/core';
import type { AccountId, Hash, IdKey } from '@coffer/core';
import { identityExtends } from '@coffer/journal';
import type { Commit, Directory, IdentityRef, VaultState } from '@coffer/journal';
import type { ClientConnection } from '@coffer/protocol';
import type { Chains } from './chains.ts';

export interface VaultIdentitiesDeps {
  readonly chains: Chains;
  /** False for a worker, which speaks only of its own account. */
  readonly mayIntroduceOthers: boolean;
}

/** The chains that judging one vault needs: fetched before they are asked for, and told to its journal when they went on. */
export class VaultIdentities {
  readonly #deps: VaultIdentitiesDeps;

  constructor(deps: VaultIdentitiesDeps) {
    this.#deps = deps;
  }

  get directory(): Directory {
    return this.#deps.chains;
  }

  /** Fetches the chains of which these commits, or what was folded before, name a head that is not known. @throws INTEGRITY, UNREACHABLE */
  async prepare(
    { commits, state }: { readonly commits: readonly Commit[]; readonly state: VaultState | undefined },
    connection: ClientConnection,
    signal?: AbortSignal,
  ): Promise<void> {
    const wanted = new Map<IdKey, AccountId>();
    for (const { subject, head } of [...headsOf(state), ...commits.flatMap(namedHeads)]) {
      if (!this.#knows(subject, head)) wanted.set(idKey(subject), subject);
    }
    for (const account of wanted.values()) await this.#deps.chains.refresh(connection, account, signal);
  }

  async refreshOwn(connection: ClientConnection, signal?: AbortSignal): Promise<void> {
    const { chains } = this.#deps;
    await chains.refresh(connection, chains.ownIdentity.account, signal);
  }

  /** Heads that are known here and that the journal has not seen. */
  refs(state: VaultState): readonly IdentityRef[] {
    const heads = this.#deps.mayIntroduceOthers
      ? headsOf(state).filter(({ subject }) => state.members.has(idKey(subject)))
      : [];
    const own = this.#deps.chains.ownIdentity;
    const all = [
      ...heads.filter(({ subject }) => !equalBytes(subject, own.account)),
      { subject: own.account, head: undefined },
    ];
    return all.flatMap(({ subject, head = state.identities.get(idKey(subject)) }) => {
      const known = this.#deps.chains.current(subject);
      if (known === undefined || (head !== undefined && !isNewer(known, head))) return [];
      return [{ kind: 'identity', subject, head: known.head } as const];
    });
  }

  #knows(account: AccountId, head: Hash): boolean {
    return this.#deps.chains.knows(account, head);
  }
}

function isNewer(known: Parameters<typeof identityExtends>[0], head: Hash): boolean {
  return !equalBytes(known.head, head) && identityExtends(known, head);
}

interface Named {
  readonly subject: Uint8Array;
  readonly head: Hash;
}

function headsOf(state: VaultState | undefined): Named[] {
  return [...(state?.identities ?? [])].map(([key, head]) => ({ subject: Uint8Array.fromHex(key), head }));
}

function namedHeads({ header }: Commit): Named[] {
  return header.refs.flatMap((ref): Named[] => {
    if (ref.kind === 'genesis') return [{ subject: ref.owner, head: ref.chainHead }];
    if (ref.kind === 'identity') return [{ subject: ref.subject, head: ref.head }];
    return ref.kind === 'member' && ref.role !== 'none' ? [{ subject: ref.member, head: ref.chainHead }] : [];
  });
}
