import type { AccountId, Logger, VaultId } from '@coffer/core';
import { equalBytes, idKey, isCofferError } from '@coffer/core';
import type { Commit, Directory, VaultState } from '@coffer/journal';
import { decodeVaultState, encodeVaultState, judgeCommit, openVault, parseCommit } from '@coffer/journal';
import type { Facts, FoundCommit } from '../facts/facts.ts';
import type { Packs } from '../packs/packs.ts';
import { recordHeaderBytes } from '../packs/pack-format.ts';
import { openRecord } from '../packs/record-reader.ts';
import { membersOf } from '../vaults/vault-appender.ts';

export interface ApplyFound {
  readonly facts: Facts;
  readonly packs: Packs;
  readonly directory: Directory;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
}

interface Applied {
  readonly commits: number;
  readonly stuck: readonly VaultId[];
}

/** Applies found commits, vault by vault, as long as they chain. */
export async function applyFound(options: ApplyFound): Promise<Applied> {
  let commits = 0;
  for (const vault of await options.facts.vaultsToRecover()) {
    options.signal?.throwIfAborted();
    commits += await applyVault(options, vault);
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
  for (const found of await options.facts.foundCommits(vault, (state?.seq ?? 0) + 1)) {
    const commit = await readFound(options, found, state);
    const after = commit && judged(options, commit, state);
    if (!commit || !after) continue;
    await apply(options, { found, commit, before: state, after });
    return after;
  }
  return undefined;
}

async function readFound(
  { packs }: ApplyFound,
  { place, hash, owner }: FoundCommit,
  state: VaultState | undefined,
): Promise<Commit | undefined> {
  const { pack, offset, bytes } = place;
  const record = await packs.read({ owner, kind: 'journal', pack, offset, length: bytes });
  const commit = parseCommit(new Uint8Array(openRecord(record, { place: { ...place, id: hash }, at: 0 }).payload));
  return state === undefined || equalBytes(commit.header.prev, state.head) ? commit : undefined;
}

function judged(
  { directory, logger }: ApplyFound,
  commit: Commit,
  state: VaultState | undefined,
): VaultState | undefined {
  try {
    return state === undefined ? openVault(commit, directory) : judgeCommit(state, commit, directory);
  } catch (error) {
    if (!isCofferError(error)) throw error;
    logger.error(
      { vault: idKey(commit.vault), seq: commit.header.seq, code: error.code },
      'a stored commit is refused',
    );
    return undefined;
  }
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
  const limits = { quotaBytes: null, largestFileBytes: null };
  const append = { token: recoveryToken, vault, owner, commits: [commit.bytes], recovering: true, ...limits };
  const prepared = await facts.prepareAppend({ ...append, segments: [] });
  if (prepared.status === 'segments') {
    const segments = await readSegments(packs, owner, prepared.places);
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
    packs: [],
    ...members,
  });
}

async function readSegments(
  packs: Packs,
  owner: AccountId,
  places: readonly FoundCommit['place'][],
): Promise<Uint8Array[]> {
  const payloads: Uint8Array[] = [];
  for (const { pack, offset, bytes } of places) {
    const record = await packs.read({ owner, kind: 'chunks', pack, offset, length: bytes });
    payloads.push(new Uint8Array(record.subarray(recordHeaderBytes)));
  }
  return payloads;
}
