import type { ErrorCode, Logger, VaultId } from '@coffer/core';
import { equalBytes, idKey, isCofferError } from '@coffer/core';
import type { Commit, VaultState } from '@coffer/journal';
import { decodeVaultState, encodeVaultState, judgeCommit, openVault, parseCommit } from '@coffer/journal';
import { readSegments } from '../chunks/read-segments.ts';
import type { Facts, FoundCommit } from '../facts/facts.ts';
import type { Packs } from '../packs/packs.ts';
import { openRecord } from '../packs/record-reader.ts';
import type { TeamStates } from '../vaults/team-states.ts';
import { keptTeamStates } from '../vaults/team-states.ts';
import { membersOf } from '../vaults/vault-appender.ts';

export interface ApplyFound {
  readonly facts: Facts;
  readonly packs: Packs;
  readonly teams: TeamStates;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
}

interface Applied {
  readonly commits: number;
  readonly stuck: readonly VaultId[];
}

/** Applies found commits, vault by vault, as long as they chain. A share may wait for the journal of a team, which is found later. */
export async function applyFound(options: ApplyFound): Promise<Applied> {
  let commits = 0;
  for (let applied = 1; applied > 0; commits += applied) {
    applied = 0;
    for (const vault of await options.facts.vaultsToRecover()) {
      options.signal?.throwIfAborted();
      applied += await applyVault(options, vault);
    }
  }
  const stuck = await options.facts.vaultsToRecover();
  for (const vault of stuck) options.logger.error({ vault: idKey(vault) }, 'commits of a vault do not follow its head');
  return { commits, stuck };
}

async function applyVault(options: ApplyFound, vault: VaultId): Promise<number> {
  const facts = await options.facts.vault(vault);
  let state = facts && decodeVaultState(facts.state);
  for (let count = 0; ; count += 1) {
    const next = await applyNext(options, vault, state);
    if (!next) return count;
    state = next;
  }
}

async function applyNext(
  options: ApplyFound,
  vault: VaultId,
  state: VaultState | undefined,
): Promise<VaultState | undefined> {
  const seq = (state?.seq ?? 0) + 1;
  for (const found of await options.facts.foundCommits(vault, seq)) {
    const after = await tryOne(options, found, state);
    if (after) return after;
  }
  return undefined;
}

const endsRecovery: ReadonlySet<ErrorCode> = new Set(['IO', 'NO_SPACE', 'UPGRADE_REQUIRED']);

/** The state after the commit; undefined when it cannot follow, which is logged and leaves it where it is. */
async function tryOne(
  options: ApplyFound,
  found: FoundCommit,
  state: VaultState | undefined,
): Promise<VaultState | undefined> {
  try {
    const commit = await readFound(options, found);
    if (state !== undefined && !equalBytes(commit.header.prev, state.head)) return undefined;
    const directory = await options.teams.directoryFor(state, commit);
    const after = state === undefined ? openVault(commit, directory) : judgeCommit(state, commit, directory);
    await apply(options, { found, commit, before: state, after });
    return after;
  } catch (error) {
    // A failing disk ends the recovery; whatever else is wrong with a commit is only its own.
    if (!isCofferError(error) || endsRecovery.has(error.code)) throw error;
    const about = { vault: idKey(found.vault), seq: found.seq, code: error.code };
    options.logger.error(about, 'a stored commit cannot be applied');
    return undefined;
  }
}

/** @throws NOT_FOUND, DAMAGED, INVALID, IO */
export async function readFound(
  { packs }: Pick<ApplyFound, 'packs'>,
  { place, hash, owner }: FoundCommit,
): Promise<Commit> {
  const { pack, offset, bytes } = place;
  const record = await packs.read({ owner, kind: 'journal', pack, offset, length: bytes });
  return parseCommit(new Uint8Array(openRecord(record, { place: { ...place, id: hash }, at: 0 }).payload));
}

interface ApplyOne {
  readonly found: FoundCommit;
  readonly commit: Commit;
  readonly before: VaultState | undefined;
  readonly after: VaultState;
}

/** Only one append is under way in a recovery. */
const recoveryToken = 0;

async function apply({ facts, packs }: ApplyFound, { found, commit, before, after }: ApplyOne): Promise<void> {
  const { vault, owner, kind } = after;
  const limits = { quotaBytes: null, memberBytes: null, largestFileBytes: null };
  const append = { token: recoveryToken, vault, owner, commits: [commit.bytes], recovering: true, ...limits };
  const prepared = await facts.prepareAppend({ ...append, segments: [] });
  if (prepared.status === 'segments') {
    const segments = await readSegments(packs, { owner, places: prepared.places });
    await facts.prepareAppend({ ...append, segments });
  }
  const members = before?.members === after.members ? {} : { members: membersOf(after) };
  const { seq, hash, receivedAtMs, place } = found;
  const applied = [{ seq, hash, receivedAtMs, place }];
  await facts.applyAppend({
    token: recoveryToken,
    vault,
    owner,
    kind,
    applied,
    state: encodeVaultState(after),
    teamStates: keptTeamStates([after]),
    packs: [],
    ...members,
  });
}
