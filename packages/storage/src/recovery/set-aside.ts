import type { Hash, IdKey, VaultId } from '@coffer/core';
import { equalBytes, idKey, isCofferError } from '@coffer/core';
import type { Directory, Ref, Subject } from '@coffer/journal';
import { commitLimits, isTeamId } from '@coffer/journal';
import type { Facts, FoundCommit } from '../facts/facts.ts';
import type { Packs } from '../packs/packs.ts';
import { setAsideRecords } from '../statement.ts';
import type { StatementWrites } from '../vaults/statement-writes.ts';
import { readFound } from './apply-found.ts';

export interface SetAsideDeps {
  readonly facts: Facts;
  readonly packs: Packs;
  /** Of accounts alone. */
  readonly directory: Directory;
  readonly statements: Pick<StatementWrites, 'setAside'>;
}

export interface SetAsideSum {
  readonly vaults: number;
  readonly commits: number;
}

/**
 * The part of a restore that follows a copy which was taken while the folder changed: a commit that names the head of a team, or of
 * an account, that is nowhere can never be applied, and neither can those after it. They are set aside, durably, and the vault goes on
 * from the commit before. What waits for another reason, a damaged record say, goes on waiting: that record may be found yet.
 * @throws NO_SPACE, IO
 */
export async function setAsideNowhere(deps: SetAsideDeps): Promise<SetAsideSum> {
  const vaults = new Set<IdKey>();
  let commits = 0;
  // What is set aside of a team may be what a share waits for.
  for (let more = true; more;) {
    more = false;
    for (const vault of await deps.facts.vaultsToRecover()) {
      const count = await setAsideOf(deps, vault);
      if (count === 0) continue;
      more = true;
      vaults.add(idKey(vault));
      commits += count;
    }
  }
  return { vaults: vaults.size, commits };
}

/** How many commits of the vault. */
async function setAsideOf(deps: SetAsideDeps, vault: VaultId): Promise<number> {
  const { facts, statements } = deps;
  const known = await facts.vault(vault);
  if (known === undefined) return 0;
  const next = await facts.foundCommits(vault, known.seq + 1);
  const rests = await Promise.all(next.map((found) => restsOnNothing(deps, found, known.head)));
  if (!rests.includes(true)) return 0;
  for (let count = 0; ;) {
    const found = await facts.foundAfter(vault, known.seq, setAsideRecords);
    if (found.length === 0) return count;
    await statements.setAside(known.owner, { vault, places: found.map(({ place }) => place) });
    count += found.length;
  }
}

/** True for a commit that follows the head, and names a head that is nowhere. */
async function restsOnNothing(deps: SetAsideDeps, found: FoundCommit, head: Hash): Promise<boolean> {
  try {
    const { header } = await readFound(deps, found);
    if (!equalBytes(header.prev, head)) return false;
    for (const named of header.refs.flatMap(namedBy)) if (await isNowhere(deps, named)) return true;
    return false;
  } catch (error) {
    if (isCofferError(error, 'DAMAGED', 'NOT_FOUND', 'INVALID', 'LIMIT')) return false;
    throw error;
  }
}

interface Named {
  readonly subject: Subject;
  readonly head: Hash;
}

function namedBy(ref: Ref): readonly Named[] {
  if (ref.kind === 'identity') return [ref];
  return ref.kind === 'member' && ref.role !== 'none' ? [{ subject: ref.member, head: ref.chainHead }] : [];
}

/** Neither known nor among what was found and waits itself. */
async function isNowhere({ facts, directory }: SetAsideDeps, { subject, head }: Named): Promise<boolean> {
  if (!isTeamId(subject)) return directory.identity(subject, head) === undefined;
  if ((await facts.teamSeq(subject, head)) !== undefined) return false;
  const waiting = await facts.foundAfter(subject, 0, commitLimits.teamCommits);
  return !waiting.some(({ hash }) => equalBytes(hash, head));
}
