import type { AccountId, EntryId, IdKey, VaultId } from '@coffer/core';
import { compareBytes, idKey } from '@coffer/core';
import type { PolicyChange, PurgeRef } from '@coffer/journal';
import { destructionDelayMs } from '@coffer/journal';
import { holdAfter } from '../facts/hold-after.ts';
import type {
  FoundExpiry,
  FoundRetention,
  HoldChange,
  HoldFacts,
  PolicyHistory,
  Tombstone,
  VersionEnd,
  VersionFacts,
  VersionPlace,
  VersionRange,
} from '../facts/retention-facts.ts';

export interface MemoryVersion {
  readonly id: EntryId;
  readonly entry: IdKey;
  readonly seq: number;
  readonly bytes: number;
  readonly fromMs: number;
  ended: VersionEnd | undefined;
  endedAtMs: number | undefined;
}

interface MemoryPurge {
  readonly seqs: readonly number[];
  readonly receivedAtMs: number;
}

/** Versions of one vault and what decides about them. */
export class MemoryVersions {
  versions: MemoryVersion[] = [];
  readonly tombstones = new Map<IdKey, Tombstone[]>();
  readonly policies: PolicyChange[] = [];
  readonly #purges = new Map<IdKey, MemoryPurge>();
  readonly #drops = new Map<IdKey, NonNullable<VersionFacts['drop']>>();

  put(version: Pick<MemoryVersion, 'id' | 'seq' | 'bytes' | 'fromMs'>): void {
    const { id, fromMs } = version;
    this.#end(idKey(id), 'replaced', fromMs);
    this.#drops.delete(idKey(id));
    this.versions.push({ ...version, entry: idKey(id), ended: undefined, endedAtMs: undefined });
  }

  drop(entry: EntryId, reason: 'removed' | 'moved', atMs: number): void {
    if (this.#end(idKey(entry), reason, atMs)) this.#drops.set(idKey(entry), { reason, atMs });
  }

  keep(entry: EntryId, seq: number, atMs: number): void {
    const kept = this.#find(entry, seq);
    if (!kept || kept.ended === undefined) return;
    this.#end(idKey(entry), 'replaced', atMs);
    this.#drops.delete(idKey(entry));
    kept.ended = undefined;
    kept.endedAtMs = undefined;
  }

  purge({ entry, seqs }: PurgeRef, receivedAtMs: number): void {
    if (seqs.length === 0) this.#purges.delete(idKey(entry));
    else this.#purges.set(idKey(entry), { seqs, receivedAtMs });
  }

  /** False when it is current or not there. */
  expire(entry: EntryId, { seq, atMs, cause }: Tombstone): boolean {
    const version = this.#find(entry, seq);
    if (version?.ended === undefined) return false;
    this.versions = this.versions.filter((other) => other !== version);
    this.tombstones.set(idKey(entry), [...this.tombstonesOf(entry), { seq, atMs, cause }]);
    return true;
  }

  hasExpired({ entry, seq }: VersionPlace): boolean {
    return this.tombstonesOf(entry).some((tombstone) => tombstone.seq === seq);
  }

  tombstonesOf(entry: EntryId): readonly Tombstone[] {
    return (this.tombstones.get(idKey(entry)) ?? []).toSorted((a, b) => a.seq - b.seq);
  }

  ended(after: VersionPlace | undefined): VersionFacts[] {
    return this.versions
      .filter(({ ended, id, seq }) => ended !== undefined && (!after || comparePlaces({ entry: id, seq }, after) > 0))
      .map((version) => this.#factsOf(version))
      .toSorted(comparePlaces);
  }

  ofEntry(entry: EntryId): VersionFacts[] {
    const own = this.versions.filter((version) => version.entry === idKey(entry));
    return own.map((version) => this.#factsOf(version)).toSorted(comparePlaces);
  }

  history(nowMs: number): PolicyHistory {
    const since = nowMs - destructionDelayMs;
    const before = this.policies.findLast(({ receivedAtMs }) => receivedAtMs <= since);
    const recent = this.policies.filter(({ receivedAtMs }) => receivedAtMs > since);
    const largest = recent.reduce<PolicyChange | undefined>(
      (all, change) => largestOf(all ?? change, change),
      undefined,
    );
    return { changes: [before, largest].filter((change) => change !== undefined), last: this.policies.at(-1) };
  }

  #factsOf({ id, entry, seq, bytes, fromMs, ended, endedAtMs }: MemoryVersion): VersionFacts {
    const purge = this.#purges.get(entry);
    return {
      entry: id,
      seq,
      fromMs,
      endedAtMs: endedAtMs ?? null,
      ended: ended ?? null,
      bytes,
      newer: this.versions.filter((other) => other.entry === entry && other.seq > seq).length,
      drop: this.#drops.get(entry) ?? null,
      purgeReceivedAtMs: purge?.seqs.includes(seq) ? purge.receivedAtMs : null,
    };
  }

  #find(entry: EntryId, seq: number): MemoryVersion | undefined {
    return this.versions.find((version) => version.entry === idKey(entry) && version.seq === seq);
  }

  #end(entry: IdKey, ended: VersionEnd, atMs: number): boolean {
    const current = this.versions.find((version) => version.entry === entry && version.ended === undefined);
    if (!current) return false;
    current.ended = ended;
    current.endedAtMs = atMs;
    return true;
  }
}

/** Holds, and what a recovery found. */
export class MemoryStatements {
  readonly #holds = new Map<string, HoldFacts>();
  readonly #found = new Map<IdKey, FoundExpiry>();

  changeHold(change: HoldChange): void {
    const key = `${idKey(change.account)}/${change.by}`;
    const after = holdAfter(this.#holds.get(key), change);
    if (after) this.#holds.set(key, after);
  }

  holds(account: AccountId): HoldFacts[] {
    const own = [...this.#holds].filter(([key]) => key.startsWith(`${idKey(account)}/`));
    return own.map(([, hold]) => hold).toSorted((a, b) => (a.by < b.by ? -1 : 1));
  }

  note({ expiries, holds }: FoundRetention): void {
    for (const expiry of expiries) this.#found.set(idKey(expiry.id), expiry);
    for (const hold of holds) this.changeHold(hold);
  }

  forget(id: Uint8Array | undefined): void {
    if (id) this.#found.delete(idKey(id));
  }

  found(vault?: VaultId): FoundExpiry[] {
    return [...this.#found.values()].filter((expiry) => !vault || idKey(expiry.vault) === idKey(vault));
  }
}

function largestOf(a: PolicyChange, b: PolicyChange): PolicyChange {
  const figure = (name: keyof PolicyChange['policy']): number => Math.max(a.policy[name], b.policy[name]);
  const policy = { versions: figure('versions'), days: figure('days'), trashDays: figure('trashDays') };
  return { policy, receivedAtMs: Math.max(a.receivedAtMs, b.receivedAtMs) };
}

function comparePlaces(a: VersionPlace, b: VersionPlace): number {
  return compareBytes(a.entry, b.entry) || a.seq - b.seq;
}

/** Those of a page. */
export function inRange<Item extends { readonly seq: number }>(
  items: readonly Item[],
  { after, limit }: VersionRange,
): Item[] {
  return items.filter(({ seq }) => seq > after).slice(0, limit);
}
