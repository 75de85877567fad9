import { CofferError, equalBytes, idKey, isCofferError } from '@coffer/core';
import type { AccountId, IdKey, VaultId } from '@coffer/core';
import type { Role } from '@coffer/journal';
import type { EntryName } from '@coffer/journal';
import type { Connections } from '../connection/connections.ts';
import type { Entry } from '../entry.ts';
import type { People, Person } from '../people/people.ts';
import type { Teams } from '../teams/teams.ts';
import type { ExpectedVault } from '../state/vault-journal.ts';
import { displayName } from '../vault-path.ts';
import type { JournalVault } from '../vaults/journal-vault.ts';

/** A vault of somebody else that the account is a member of. */
export interface IncomingShare {
  readonly vault: JournalVault;
  readonly owner: Person;
  readonly role: Role;
  /** Of the directory below `/Shared`: the owner's name, marked when it is not the one this device knew under it. */
  readonly ownerName: string;
  /** As the share calls it, marked with the beginning of the vault's id where two of one owner have the same name. */
  readonly name: EntryName;
  readonly entry: Entry;
}

export interface SharedVaultsDeps {
  readonly connections: Connections;
  readonly people: People;
  readonly teams: Pick<Teams, 'refresh'>;
  readonly account: AccountId;
  /** One object for each vault, however often it is asked for. */
  readonly open: (vault: VaultId, expected: ExpectedVault) => JournalVault;
  /** Told of a share that cannot be used. */
  readonly onBroken?: (broken: BrokenShare) => void;
}

interface SharesOfOne {
  readonly shares: readonly IncomingShare[];
  readonly broken: CofferError | undefined;
}

/** A share whose owner, or the server, made it so that this device cannot use it. */
export interface BrokenShare {
  readonly vault: VaultId;
  readonly error: CofferError;
}

/** What concerns one share alone. */
const unusable = ['INTEGRITY', 'ROLLBACK', 'NOT_ALLOWED', 'NOT_FOUND', 'INVALID', 'LIMIT', 'UPGRADE_REQUIRED'] as const;

/** What others share with the account: `/Shared/<owner>/<name>`, computed and never stored (JOURNAL §Members and sharing). */
export class SharedVaults {
  readonly #deps: SharedVaultsDeps;
  #owners = new Map<IdKey, Promise<Person>>();

  constructor(deps: SharedVaultsDeps) {
    this.#deps = deps;
  }

  /** All of them, up to date, by owner and name; what one owner has broken is told and keeps nobody from the rest. @throws UNREACHABLE */
  async list(signal?: AbortSignal): Promise<readonly IncomingShare[]> {
    return (await this.#all({}, signal)).shares;
  }

  /** Those of one owner, as below `/Shared`; `broken`: why one of them cannot be used. @throws that, when none can; UNREACHABLE */
  async of(ownerName: string, signal?: AbortSignal): Promise<SharesOfOne> {
    const { shares, broken } = await this.#all({ ownerName }, signal);
    if (shares.length === 0 && broken !== undefined) throw broken;
    return { shares, broken };
  }

  /** Shares of others are opened only as far as they are asked for: each costs what its owner has put into it. */
  async #all(
    { ownerName: wanted }: { readonly ownerName?: string },
    signal: AbortSignal | undefined,
  ): Promise<SharesOfOne> {
    const options = { ...(signal && { signal }) };
    const { response } = await this.#deps.connections.run(
      'control',
      (one) => one.request('vault.list', {}, options),
      signal,
    );
    const { account, teams } = this.#deps;
    await teams.refresh(response.vaults, signal);
    const incoming = response.vaults.filter(({ kind, owner }) => kind === 'share' && !equalBytes(owner, account));
    const shares: Omit<IncomingShare, 'name'>[] = [];
    let broken: CofferError | undefined;
    for (const { vault, owner, role } of incoming) {
      try {
        const person = await this.#ownerOf(owner, signal);
        if (wanted !== undefined && person.ownerName !== wanted) {
          if (person.owner.username === wanted) broken ??= notMadeSureOf(person.owner);
          continue;
        }
        const opened = this.#deps.open(vault, { kind: 'share', owner });
        await opened.pull(signal);
        const entry = sharedEntry(opened);
        if (entry !== undefined) shares.push({ vault: opened, role, entry, ...person });
      } catch (error) {
        if (!isCofferError(error, ...unusable)) throw error;
        const told = error.details['missingKey'] === true ? keyNotGiven() : error;
        broken ??= told;
        this.#deps.onBroken?.({ vault, error: told });
      }
    }
    return { shares: named(shares), broken };
  }

  /** One by the names below `/Shared`; undefined when there is none. @throws as {@link list} */
  async find(ownerName: string, name: string, signal?: AbortSignal): Promise<IncomingShare | undefined> {
    const { shares, broken } = await this.of(ownerName, signal);
    const found = shares.find((share) => share.name === name);
    // Which of them it is that cannot be used, only its journal would tell.
    if (found === undefined && broken !== undefined) throw broken;
    return found;
  }

  async #ownerOf(
    owner: AccountId,
    signal: AbortSignal | undefined,
  ): Promise<Pick<IncomingShare, 'owner' | 'ownerName'>> {
    const key = idKey(owner);
    const asked = this.#owners.get(key) ?? this.#deps.people.byAccount(owner, signal);
    this.#owners.set(key, asked);
    const person = await asked;
    // A person whom this device knew with other keys must not be found where the known one is looked for.
    const ownerName = person.trust === 'changed' ? `${person.username}~${key.slice(0, 8)}` : person.username;
    return { owner: person, ownerName };
  }
}

/** The one entry in the root of a share; undefined when its owner has removed it. */
export function sharedEntry(vault: JournalVault): Entry | undefined {
  return vault.tree.children(vault.tree.root().entry)[0];
}

/**
 * The same on every device. Where two of one owner have the same name none keeps it: whoever may write to one could call it like
 * another, and what is meant for that one would go here.
 */
function named(shares: readonly Omit<IncomingShare, 'name'>[]): readonly IncomingShare[] {
  let all = shares.map((share): IncomingShare => ({ ...share, name: share.entry.name }));
  // Somebody may have made a vault whose id begins like another's: then more of it is shown.
  for (let digits = 8; digits <= 64; digits += 8) {
    const groups = Map.groupBy(all, ({ ownerName, name }) => `${ownerName}/${displayName(name)}`);
    if (groups.size === all.length) break;
    all = [...groups.values()].flatMap((group) =>
      group.length === 1 ? group : group.map((one) => marked(one, digits)),
    );
  }
  return all.toSorted((a, b) => compareText(a.ownerName, b.ownerName) || compareText(String(a.name), String(b.name)));
}

function marked(share: IncomingShare, digits: number): IncomingShare {
  const { name } = share;
  const mark = ` (${idKey(share.vault.id).slice(0, digits)})`;
  if (typeof name !== 'string') return { ...share, name: Uint8Array.from([...name, ...Buffer.from(mark)]) };
  const dot = name.lastIndexOf('.');
  return { ...share, name: dot > 0 ? `${name.slice(0, dot)}${mark}${name.slice(dot)}` : name + mark };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Nobody writes into a vault whose owner may be somebody else: what is sealed for it is sealed for them. @throws NOT_ALLOWED */
export function requireTrusted({ owner }: Pick<IncomingShare, 'owner'>): void {
  if (owner.trust === 'certified' || owner.trust === 'verified') return;
  throw notMadeSureOf(owner);
}

function notMadeSureOf({ username }: Person): CofferError {
  return new CofferError('NOT_ALLOWED', `the keys of ${username}, who shares this, are not made sure of`, {
    hint: `Compare words first: coffer verify-person ${username}`,
  });
}

/** The account has other keys than the owner has admitted: a device was lost, and the keys changed with it. */
function keyNotGiven(): CofferError {
  return new CofferError('NOT_ALLOWED', 'its key is not given to the keys that this account has now', {
    hint: 'Its owner has to make sure of them and share it again: compare words with coffer verify-person.',
  });
}
