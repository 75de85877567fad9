import type { AccountId, VaultId } from '@coffer/core';
import type { Facts } from '../facts/facts.ts';
import type { Packs, PackPlace } from '../packs/packs.ts';
import { readRecords } from '../packs/record-reader.ts';

/** Positions asked of the index at a time. */
const batch = 512;

export interface PulledCommit {
  readonly seq: number;
  /** Receive time, ms. */
  readonly receivedAt: number;
  /** The commit's exact bytes. */
  readonly bytes: Uint8Array;
}

export interface PullCommits {
  readonly facts: Facts;
  readonly packs: Packs;
  readonly vault: VaultId;
  readonly owner: AccountId;
  readonly after: number;
  readonly signal?: AbortSignal | undefined;
}

interface CommitPlace extends PackPlace {
  readonly id: Uint8Array;
  readonly seq: number;
  readonly receivedAtMs: number;
}

/** The commits after a position, up to the head at the time of each batch. */
export async function* pullCommits(pull: PullCommits): AsyncGenerator<PulledCommit, void, undefined> {
  const { packs, owner, signal } = pull;
  const records = readRecords({ packs, owner, kind: 'journal', places: placesOf(pull), signal });
  for await (const { place, payload } of records) {
    yield { seq: place.seq, receivedAt: place.receivedAtMs, bytes: payload };
  }
}

async function* placesOf({ facts, vault, after }: PullCommits): AsyncGenerator<readonly CommitPlace[]> {
  let last = after;
  for (;;) {
    const commits = await facts.commits(vault, last, batch);
    if (commits.length === 0) return;
    yield commits.map(({ seq, hash, receivedAtMs, place }) => ({ ...place, seq, receivedAtMs, id: hash }));
    last = commits.at(-1)?.seq ?? last;
    if (commits.length < batch) return;
  }
}
