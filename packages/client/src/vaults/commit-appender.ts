import {
  backoffMs,
  CofferError,
  equalBytes,
  idKey,
  integrityError,
  isCofferError,
  randomId,
  timestampFromMs,
} from '@coffer/core';
import type { AccountId, Clock, CommitId, DeviceId, EntryId, IdKey, Random } from '@coffer/core';
import { sealCommitBody } from '@coffer/crypto';
import { bodyAssociatedData, encodeOperations, makeCommit } from '@coffer/journal';
import type { Commit, CommitHeader, IdentityRef, Operation, Ref, Signer, VaultState } from '@coffer/journal';
import type { ResponseOf } from '@coffer/protocol';
import type { CommitBatchOptions, CommitReport, RefusedOperation } from '../commit-batch.ts';
import type { FoldReport, OwnCommit, VaultJournal } from '../state/vault-journal.ts';
import { refsOf } from './commit-items.ts';
import type { CommitItem } from './commit-items.ts';

export interface CommitAppenderDeps {
  readonly journal: VaultJournal;
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly sign: Signer;
  readonly clock: Clock;
  readonly random: Random;
  /** Heads of chains that are known here and newer than the journal's: of the own account, and of other members. */
  readonly identityRefs: (state: VaultState) => readonly IdentityRef[];
  /** Sends one commit; safe to repeat. */
  readonly send: (commit: Commit, signal?: AbortSignal) => Promise<ResponseOf<'vault.append'>>;
  /** Brings the journal up to date. */
  readonly pull: (signal?: AbortSignal) => Promise<void>;
}

/** Other devices can be faster this often; each time at least one of them got on. */
const maxTries = 30;
const backoff = { firstMs: 20, maxMs: 2000 } as const;

/** Makes commits, appends them on top of whatever the head is by then, and folds them (JOURNAL §Commit, §Append). */
export class CommitAppender {
  readonly #deps: CommitAppenderDeps;

  constructor(deps: CommitAppenderDeps) {
    this.#deps = deps;
  }

  /**
   * One commit of these items; those that other devices made impossible are left out and told, and those of entries that
   * `holds` denies. @throws CONFLICT when all tries are used up; what the server answers
   */
  async append(
    items: readonly CommitItem[],
    { holds }: { readonly holds?: Holds | undefined },
    signal?: AbortSignal,
  ): Promise<CommitReport> {
    const held = heldItems(items, holds);
    const refused: RefusedOperation[] = [...held.refused];
    let body = this.#sealed(held.items);
    for (let attempt = 0; attempt < maxTries; attempt += 1) {
      if (body.items.length === 0) return { seq: this.#state.seq, receivedAtMs: 0, entries: [], refused };
      const commit = this.#commit(body);
      const sent = await this.#send({ commit, operations: operationsOf(body.items) }, signal);
      if (sent !== undefined) return report(body.items, { sent, refused });
      await this.#deps.clock.sleep(backoffMs(attempt, backoff, this.#deps.random), signal);
      const stillHeld = heldItems(body.items, holds);
      const checked = this.#checked(stillHeld.items);
      refused.push(...stillHeld.refused, ...checked.refused);
      // Sealed for the same epoch and unchanged, the body may stand at any position; only the header is signed again.
      const isSame = stillHeld.refused.length + checked.refused.length === 0 && body.epoch === this.#state.epoch;
      if (!isSame) body = this.#sealed(checked.items);
    }
    throw busyVault();
  }

  /** A commit of refs only. False when somebody was faster: then the journal is up to date, and nothing was appended. */
  async appendRefs(refs: readonly Ref[], signal?: AbortSignal): Promise<boolean> {
    const body = { ...this.#sealed([]), refs };
    return (await this.#send({ commit: this.#commit(body), operations: [] }, signal)) !== undefined;
  }

  /**
   * A commit of refs that are made anew for every try, since members and epoch may be others by then. Nothing is appended when
   * `make` gives nothing. @throws CONFLICT when all tries are used up; what `make` throws, and the server answers
   */
  async appendMade(make: () => Promise<MadeRefs | undefined>, signal?: AbortSignal): Promise<void> {
    for (let attempt = 0; attempt < maxTries; attempt += 1) {
      const made = await make();
      if (made === undefined) return;
      const body = { ...this.#sealed([], made.epoch), refs: made.refs };
      const sent = await this.#send({ commit: this.#commit(body), operations: [] }, signal);
      if (sent !== undefined) return;
      await this.#deps.clock.sleep(backoffMs(attempt, backoff, this.#deps.random), signal);
    }
    throw busyVault();
  }

  /** A commit of refs that hold whatever else the journal says. @throws CONFLICT when all tries are used up; what the server answers */
  async insistOnRefs(refs: readonly Ref[], signal?: AbortSignal): Promise<void> {
    for (let attempt = 0; attempt < maxTries; attempt += 1) {
      if (await this.appendRefs(refs, signal)) return;
      await this.#deps.clock.sleep(backoffMs(attempt, backoff, this.#deps.random), signal);
    }
    throw busyVault();
  }

  get #state(): VaultState {
    const { state } = this.#deps.journal;
    if (state === undefined) throw new TypeError('a vault is written to before it was pulled');
    return state;
  }

  /** Folded, when it was accepted; undefined when somebody was faster, and then the journal is up to date. */
  async #send(own: OwnCommit, signal: AbortSignal | undefined): Promise<Sent | undefined> {
    const { commit } = own;
    let ack: ResponseOf<'vault.append'>;
    try {
      ack = await this.#deps.send(commit, signal);
    } catch (error) {
      if (!isCofferError(error, 'CONFLICT')) throw error;
      await this.#deps.pull(signal);
      return undefined;
    }
    const { seq } = commit.header;
    const isHead = ack.seq === seq && equalBytes(ack.head, commit.hash);
    if (isHead && this.#state.seq === seq - 1) {
      const folded = this.#deps.journal.fold([{ bytes: commit.bytes, receivedAtMs: ack.receivedAt, own }], seq - 1);
      return { seq, receivedAtMs: ack.receivedAt, folded };
    }
    return this.#found(commit, { ack, signal });
  }

  /** The answer to the first try was lost, and the journal went on meanwhile. */
  async #found(
    commit: Commit,
    { ack, signal }: { ack: ResponseOf<'vault.append'>; signal: AbortSignal | undefined },
  ): Promise<Sent> {
    if (!this.#deps.journal.holds(commit)) await this.#deps.pull(signal);
    if (!this.#deps.journal.holds(commit)) throw integrityError('The answer of the server');
    return { seq: commit.header.seq, receivedAtMs: ack.receivedAt, folded: undefined };
  }

  #sealed(items: readonly CommitItem[], next?: MadeRefs['epoch']): SealedBody {
    const { account, device, random, journal } = this.#deps;
    const { vault } = this.#state;
    const epoch = next?.n ?? this.#state.epoch;
    const commitId: CommitId = randomId(random);
    const operations = encodeOperations(operationsOf(items));
    const associatedData = bodyAssociatedData({ vault, epoch, account, device, commitId });
    const body = sealCommitBody({
      epochSecret: next?.secret ?? journal.epochSecret(epoch),
      n: epoch,
      operations,
      associatedData,
      random,
    });
    return { items, refs: refsOf(items), epoch, commitId, body };
  }

  #commit({ refs, epoch, commitId, body }: SealedBody): Commit {
    const { account, device, clock, sign } = this.#deps;
    const { vault, seq, head } = this.#state;
    const at = timestampFromMs(clock.nowMs());
    const header: Omit<CommitHeader, 'bodyHash'> = {
      v: 1,
      vault,
      seq: seq + 1,
      prev: head,
      epoch,
      account,
      device,
      commitId,
      at,
      refs: [...this.#identityRefs(refs), ...refs],
    };
    return makeCommit({ header, body, sign });
  }

  /** The journal learns of devices and revocations with the next commit of anybody who knows them. A `member` ref brings its own head. */
  #identityRefs(refs: readonly Ref[]): readonly IdentityRef[] {
    const named = new Set(
      refs.flatMap((ref) => (ref.kind === 'member' && ref.role !== 'none' ? [idKey(ref.member)] : [])),
    );
    return this.#deps.identityRefs(this.#state).filter(({ subject }) => !named.has(idKey(subject)));
  }

  /** What still holds now that others have changed the tree. */
  #checked(items: readonly CommitItem[]): CheckedItems {
    const skipped = this.#deps.journal.rehearse(operationsOf(items), keepsOf(items));
    const refused = skipped.flat().map(({ entry }) => ({ entry, error: conflictError() }));
    const kept = items.flatMap((item, index) => without(item, skipped[index]?.map(({ entry }) => entry) ?? []));
    return { items: kept, refused };
  }
}

type Holds = NonNullable<CommitBatchOptions['holds']>;

/** What changes members, and the epoch that begins with it. */
export interface MadeRefs {
  readonly refs: readonly Ref[];
  readonly epoch?: { readonly n: number; readonly secret: Uint8Array };
}

interface CheckedItems {
  readonly items: readonly CommitItem[];
  readonly refused: readonly RefusedOperation[];
}

interface SealedBody {
  readonly items: readonly CommitItem[];
  readonly refs: readonly Ref[];
  readonly epoch: number;
  readonly commitId: CommitId;
  readonly body: Uint8Array;
}

interface Sent {
  readonly seq: number;
  readonly receivedAtMs: number;
  readonly folded: FoldReport | undefined;
}

function operationsOf(items: readonly CommitItem[]): readonly Operation[] {
  return items.map(({ operation }) => operation);
}

function report(
  items: readonly CommitItem[],
  { sent, refused }: { sent: Sent; refused: readonly RefusedOperation[] },
): CommitReport {
  const skipped = new Set<IdKey>((sent.folded?.skipped ?? []).map(({ entry }) => idKey(entry)));
  const entries = items.flatMap((item) => item.entries);
  return {
    seq: sent.seq,
    receivedAtMs: sent.receivedAtMs,
    entries: entries.filter((entry) => !skipped.has(idKey(entry))),
    refused: [
      ...refused,
      ...entries.filter((entry) => skipped.has(idKey(entry))).map((entry) => ({ entry, error: conflictError() })),
    ],
  };
}

/** Without the operations, or the parts of a `remove`, whose entries are not what they were meant for any more. */
function heldItems(items: readonly CommitItem[], holds: Holds | undefined): CheckedItems {
  if (holds === undefined) return { items, refused: [] };
  const lost = items.map(({ entries }) => entries.filter((entry) => !holds(entry)));
  return {
    items: items.flatMap((item, index) => without(item, lost[index] ?? [])),
    refused: lost.flat().map((entry) => ({ entry, error: conflictError() })),
  };
}

function keepsOf(items: readonly CommitItem[]): ReadonlyMap<IdKey, number> {
  const keeps = new Map<IdKey, number>();
  for (const { ref } of items) if (ref?.kind === 'keep') keeps.set(idKey(ref.entry), ref.seq);
  return keeps;
}

/** The item without the entries that are refused; a `remove` of several may lose only some. */
function without(item: CommitItem, refused: readonly EntryId[]): readonly CommitItem[] {
  if (refused.length === 0) return [item];
  const { operation } = item;
  if (operation[0] !== 'remove') return [];
  const gone = new Set(refused.map(idKey));
  const kept = operation[1].filter((entry) => !gone.has(idKey(entry)));
  return kept.length === 0 ? [] : [{ operation: ['remove', kept], drops: kept, entries: kept }];
}

function busyVault(): CofferError {
  return new CofferError('CONFLICT', 'other devices change this vault all the time', { hint: 'Try again later.' });
}

function conflictError(): CofferError {
  return new CofferError('CONFLICT', 'another device changed this at the same moment');
}
