import { idKey, type AccountId, type IdKey, type VaultId } from '@coffer/core';
import { isTeamId, type Role, type VaultKind, type VaultState } from '@coffer/journal';
import type { Accounts, Storage, VaultSummary } from '@coffer/storage';
import { isGone } from '../handlers/services.ts';

export interface VaultRolesDeps {
  readonly storage: Pick<Storage, 'vaultState' | 'vaultsOf'>;
  readonly accounts: Pick<Accounts, 'byId' | 'leftVaults'>;
}

/** A vault that an account is served, with all that it may do there. */
export interface ServedVault extends VaultSummary {
  readonly kind: VaultKind;
  readonly role: Role;
}

/** The most first. */
const byRight = ['owner', 'write', 'read'] as const;

/**
 * Who is served which vault now. Through a team it is whoever the team has at this moment: somebody who went gets nothing more,
 * whatever head of the team a journal records; who came may read at once.
 */
export class VaultRoles {
  readonly #deps: VaultRolesDeps;

  constructor(deps: VaultRolesDeps) {
    this.#deps = deps;
  }

  /** Undefined for a stranger, and for a vault that does not exist or went with its owner. */
  async roleIn(vault: VaultId, account: AccountId): Promise<Role | undefined> {
    const state = await this.#deps.storage.vaultState(vault);
    if (state === undefined) return undefined;
    const role = (await isGone(this.#deps, state.owner)) ? undefined : await this.#roleIn(state, account);
    if (role !== undefined || state.kind !== 'team') return role;
    return (await this.#judges(vault, account)) ? 'read' : undefined;
  }

  /** Every vault that the account is served, each once. */
  async vaultsOf(account: AccountId): Promise<readonly ServedVault[]> {
    const all: ServedVault[] = [];
    for await (const one of this.#served(account)) all.push(one);
    return all;
  }

  /** Its own memberships first, then what its teams have. */
  async *#served(account: AccountId): AsyncGenerator<ServedVault, void, undefined> {
    const { storage } = this.#deps;
    const seen = new Set<IdKey>();
    const teams: VaultId[] = [];
    for await (const one of this.#servedOf(await storage.vaultsOf(account), { account, seen })) {
      if (one.kind === 'team') teams.push(one.vault);
      yield one;
    }
    for (const team of teams) yield* this.#servedOf(await storage.vaultsOf(team), { account, seen });
  }

  async *#servedOf(
    vaults: readonly VaultSummary[],
    { account, seen }: { readonly account: AccountId; readonly seen: Set<IdKey> },
  ): AsyncGenerator<ServedVault, void, undefined> {
    for (const one of vaults) {
      if (seen.has(idKey(one.vault))) continue;
      const state = await this.#deps.storage.vaultState(one.vault);
      if (state === undefined || (await isGone(this.#deps, state.owner))) continue;
      const role = await this.#roleIn(state, account);
      if (role === undefined) continue;
      seen.add(idKey(one.vault));
      yield { ...one, kind: state.kind, role };
    }
  }

  /** Asks no further once nothing more could be had. */
  async #roleIn({ vault, members }: VaultState, account: AccountId): Promise<Role | undefined> {
    const own = members.get(idKey(account));
    const hasLeft = own !== undefined && (await this.#deps.accounts.leftVaults.has(vault, account));
    const direct = hasLeft ? undefined : own?.role;
    const teams = [...members.values()].filter(({ member }) => isTeamId(member));
    for (const right of byRight) {
      if (direct === right) return right;
      for (const { member, role } of teams) {
        if (role === right && isTeamId(member) && (await this.#isInTeam(member, account))) return right;
      }
    }
    return undefined;
  }

  async #isInTeam(team: VaultId, account: AccountId): Promise<boolean> {
    const state = await this.#deps.storage.vaultState(team);
    if (state?.kind !== 'team' || !state.members.has(idKey(account))) return false;
    return !(await this.#deps.accounts.leftVaults.has(team, account)) && !(await isGone(this.#deps, state.owner));
  }

  /** Whether the account is served a share that the team has, or once had: without the team's journal it cannot judge that of the share. */
  async #judges(team: VaultId, account: AccountId): Promise<boolean> {
    for await (const { vault, kind } of this.#served(account)) {
      if (kind !== 'share') continue;
      if ((await this.#deps.storage.vaultState(vault))?.identities.has(idKey(team)) === true) return true;
    }
    return false;
  }
}
