import type { DatabaseSync } from 'node:sqlite';
import { CofferError, equalBytes, integrityError, isCofferError } from '@coffer/core';
import type { AccountId, EntryId, Hash, IdKey, VaultId } from '@coffer/core';
import { openCommitBody } from '@coffer/crypto';
import {
  bodyAssociatedData,
  decodeVaultState,
  encodeVaultState,
  judgeCommit,
  openVault,
  parseCommit,
  parseOperations,
  roleOf,
} from '@coffer/journal';
import type { Commit, CommitHeader, Directory, Operation, Role, VaultKind, VaultState } from '@coffer/journal';
import type { Ignored } from '../vault.ts';
import { EpochSecrets } from './epoch-secrets.ts';
import type { EpochGrant, EpochKey, EpochRecord } from './epoch-secrets.ts';
import { epochsIn } from './epoch-grants.ts';
import type { EpochsSeen } from './epoch-grants.ts';
import { foldCommit } from './fold-commit.ts';
import { ServerBeliefs } from './server-beliefs.ts';
import type { Repairs } from './server-beliefs.ts';
import { emptyTables } from './schema.ts';
import { rollbackError } from './rollback-error.ts';
import { SealedTo } from './sealed-to.ts';
import { StateTree } from './state-tree.ts';
import { StoredHistory } from './stored-history.ts';
import { TreeWriter } from './tree-writer.ts';
import type { Skipped } from './tree-writer.ts';

/** A commit as `vault.pull` delivers it. */
export interface PulledCommit {
  readonly bytes: Uint8Array;
  readonly receivedAtMs: number;
  /** What this process has just made `bytes` of, with every check that reading them would do again. */
  readonly own?: OwnCommit;
}

export interface OwnCommit {
  readonly commit: Commit;
  readonly operations: readonly Operation[];
}

/** Where the server says that the journal of a pull ends; `more` when what is folded now is not the last of it. */
export type PullEnd = { readonly seq: number; readonly head: Hash } | 'more';

/** What this device has seen of a vault before; kept apart from the tables, so that losing those loses no memory. */
export interface VaultPin {
  readonly seq: number;
  readonly hash: Hash;
  readonly epoch: number;
  /** Generation in which the server went back behind what this device had seen; the tables are folded anew from there. */
  readonly cut?: number;
}

export interface VaultJournalDeps {
  readonly db: DatabaseSync;
  readonly directory: Directory;
  readonly key: EpochKey;
  readonly pin: VaultPin | undefined;
  /** What the genesis must be: by default the home vault of the account itself. */
  readonly expected?: ExpectedVault;
}

/** Which vault the server was asked for; whatever else it shows is refused. */
export interface ExpectedVault {
  readonly kind: VaultKind;
  /** Any account's, when it is left out. */
  readonly owner?: AccountId;
}

export interface FoldReport extends Ignored {
  /** The first thousand. */
  readonly skipped: readonly Skipped[];
}

/** The journal of a vault, judged and folded into local tables (JOURNAL §Fold). Synchronous. */
export class VaultJournal {
  readonly vault: VaultId;
  readonly tree: StateTree;
  /** What the journal says about keeping versions. */
  readonly history: StoredHistory;
  /** Who holds the key of the present epoch. */
  readonly sealedTo: SealedTo;
  readonly #db: DatabaseSync;
  readonly #directory: Directory;
  readonly #writer: TreeWriter;
  readonly #beliefs: ServerBeliefs;
  readonly #key: EpochKey;
  #expected: ExpectedVault;
  #pin: VaultPin | undefined;
  readonly #sql;
  #secrets: EpochSecrets;
  /** Read ahead of what is judged, in memory only; a fold that is taken back must not forget it. */
  readonly #ahead: EpochsSeen[] = [];
  #state: VaultState | undefined;

  constructor(vault: VaultId, { db, directory, key, pin, expected }: VaultJournalDeps) {
    this.vault = vault;
    this.#db = db;
    this.#directory = directory;
    this.#pin = pin;
    this.#key = key;
    this.#expected = expected ?? { kind: 'home', owner: key.account };
    this.#secrets = new EpochSecrets(vault, key);
    this.tree = StateTree.atHead(db);
    this.history = new StoredHistory(db);
    this.sealedTo = new SealedTo(db);
    this.#writer = new TreeWriter(db);
    this.#beliefs = new ServerBeliefs(db, this.#writer);
    this.#sql = prepareJournalStatements(db);
    this.#reload();
  }

  get kind(): VaultKind {
    return this.#expected.kind;
  }

  /** For who gets this object a second time: it may have been asked for as something else. @throws INTEGRITY when it is another vault */
  expect({ kind, owner }: ExpectedVault): void {
    const isOther =
      owner !== undefined && this.#expected.owner !== undefined && !equalBytes(owner, this.#expected.owner);
    if (kind !== this.#expected.kind || isOther) throw anotherVault();
    if (owner !== undefined) this.#expected = { kind, owner };
    this.#checkExpected(this.#state);
  }

  /** Undefined before the genesis was folded. */
  get state(): VaultState | undefined {
    return this.#state;
  }

  /** Right of an account at the folded head. @throws INVALID when a team that may give it is not known */
  roleOf(account: AccountId): Role | undefined {
    return this.#state === undefined ? undefined : roleOf(this.#state, account, this.#directory);
  }

  /**
   * To be called before a pull, with what is pinned by now: takes over what other processes have folded, and throws the
   * tables away when the server went back behind them with the authority's word. True when it did.
   * @throws ROLLBACK when the place it went back to is not on the way that this device has seen
   */
  begin(pin: VaultPin | undefined): boolean {
    this.#pin = pin;
    this.#reload();
    if (pin?.cut === undefined || this.#sql.cut() === pin.cut) return false;
    this.#transaction(() => {
      const known = this.#sql.hashAt(pin.seq);
      if (known !== undefined && !equalBytes(known, pin.hash)) throw rollbackError(pin.seq);
      emptyTables(this.#db);
      this.#sql.setCut(pin.cut);
    });
    this.#writer.forget();
    this.#reload();
    return true;
  }

  /** Secret of an epoch that is known here. @throws INTEGRITY; NOT_ALLOWED when this device was not given it */
  epochSecret(n: number): Uint8Array {
    const secret = this.#secrets.secret(n);
    if (secret === undefined) throw missingKey(n);
    return secret;
  }

  /**
   * What references further on say of keys, before anything of it is judged: whoever joined later was given the key there. A secret
   * is used only when it is the one that the judged journal commits to.
   */
  learnAhead(header: CommitHeader): void {
    const seen = epochsIn(header, { vault: this.vault, account: this.#key.account });
    if (seen.records.length + seen.grants.length === 0) return;
    this.#ahead.push(seen);
    this.#learnSeen(seen);
  }

  /** What was judged is not changed by what was only read. */
  #learnSeen({ records, grants }: EpochsSeen): void {
    const judged = this.#state?.epoch ?? -1;
    for (const record of records) if (record.n > judged) this.#secrets.learn(record);
    for (const grant of grants) this.#secrets.learnGrant(grant);
  }

  /** The seals of an epoch that concern this account. */
  grantsOf(n: number): readonly EpochGrant[] {
    return this.#sql.grants().filter((grant) => grant.n === n);
  }

  /** `K_cut`, from the genesis. @throws INTEGRITY */
  cutKey(): Uint8Array {
    const genesis = this.#sql.meta('genesis');
    if (genesis === undefined) throw new TypeError('the genesis was not folded');
    const { header, body } = parseCommit(genesis);
    const associatedData = bodyAssociatedData(header);
    const plain = openCommitBody({ epochSecret: this.epochSecret(0), n: 0, associatedData, body });
    const [init] = parseOperations(plain);
    if (init?.[0] !== 'init') throw integrityError('The beginning of a vault');
    return init[1];
  }

  /**
   * Judges and folds the commits that follow position `after`, all or nothing. Those that another process folded in the
   * meantime are passed over. A pull gives its `end`: until that is reached, {@link forgetUnconfirmed} takes back what it folded.
   * @throws ROLLBACK when they do not extend what this device has seen; INTEGRITY when the server should have refused them;
   * UPGRADE_REQUIRED
   */
  fold(commits: readonly PulledCommit[], after: number, end?: PullEnd): FoldReport {
    const report = {
      voidCommits: 0,
      skippedOperations: 0,
      skipped: [] as Skipped[],
      authors: [] as FoldReport['authors'][number][],
    };
    this.#transaction(() => {
      for (const [index, pulled] of commits.entries()) {
        const { isVoid, skipped, commit } = this.#one(pulled, after + 1 + index);
        if (!isVoid && skipped.length === 0) continue;
        report.voidCommits += isVoid ? 1 : 0;
        report.skippedOperations += skipped.length;
        report.skipped.push(...skipped.slice(0, maxReported - report.skipped.length));
        const { account, device, seq } = commit.header;
        report.authors.push({ account, device, seq, isVoid });
      }
      if (this.#state !== undefined) this.#sql.setMeta('state', encodeVaultState(this.#state));
      this.#noteEnd(end);
    });
    return report;
  }

  /**
   * For a pull that ended in a lie after some of it was folded: the tables are emptied, and the next pull folds them anew. What
   * was seen before is remembered by the pin. Nothing happens when every pull so far arrived where it should.
   */
  forgetUnconfirmed(): void {
    if (this.#sql.meta('unconfirmed') === undefined) return;
    this.#transaction(() => emptyTables(this.#db));
    this.#reload();
  }

  /**
   * What the fold would skip if these operations came next; nothing is changed. One list for each operation.
   * `keeps`: entry to seq, as keep refs say it.
   */
  rehearse(operations: readonly Operation[], keeps: ReadonlyMap<IdKey, number>): readonly (readonly Skipped[])[] {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      this.#writer.begin((this.#state?.seq ?? 0) + 1, {
        keeps,
        kind: this.kind,
        byOwner: this.#state !== undefined && equalBytes(this.#state.owner, this.#key.account),
      });
      return operations.map((operation) => this.#writer.apply(operation));
    } finally {
      this.#db.exec('ROLLBACK');
      this.#writer.forget();
    }
  }

  /** True when this very commit stands in the folded journal. */
  holds({ header, hash }: Commit): boolean {
    const known = this.#sql.hashAt(header.seq);
    return known !== undefined && equalBytes(known, hash);
  }

  /** Whether the server was told that this version is current, or nothing else since it was put. */
  isBelieved(version: { readonly entry: EntryId; readonly seq: number }): boolean {
    return this.#beliefs.isBelieved(version);
  }

  repairs(limit: number): Repairs {
    return this.#beliefs.repairs(limit);
  }

  #one(pulled: PulledCommit, expectedSeq: number): FoldedOne {
    const commit = pulled.own?.commit ?? parsedCommit(pulled.bytes);
    const known = this.#state;
    if (commit.header.seq !== expectedSeq)
      throw integrityError('The journal of a vault', { seq: commit.header.seq, expectedSeq });
    if (known !== undefined && commit.header.seq <= known.seq) return this.#again(commit);
    this.#checkPin(commit);
    const state = this.#judged(commit, known);
    this.#learnEpochs(commit);
    this.#state = state;
    const epochSecret = this.epochSecret(commit.header.epoch);
    const { isVoid, skipped } = foldCommit(
      {
        commit,
        kind: state.kind,
        byOwner: equalBytes(commit.header.account, state.owner),
        epochSecret,
        operations: pulled.own?.operations,
      },
      { tree: this.#writer, beliefs: this.#beliefs, savepoint: (work) => this.#savepoint(work) },
    );
    this.#sql.addCommit({ commit, receivedAtMs: pulled.receivedAtMs, isVoid, skipped: skipped.length });
    this.history.learn(commit.header);
    if (commit.header.seq === 1) this.#sql.setMeta('genesis', pulled.bytes);
    return { isVoid, skipped, commit };
  }

  /** The mark survives the end of the process: the next pull goes on from there, and may be the one that finds the lie. */
  #noteEnd(end: PullEnd | undefined): void {
    if (end === undefined) return;
    if (end === 'more') return this.#sql.setMeta('unconfirmed', none);
    checkArrived(this.#state, end);
    this.#sql.deleteMeta('unconfirmed');
  }

  #again(commit: Commit): FoldedOne {
    const hash = this.#sql.hashAt(commit.header.seq);
    if (hash === undefined || !equalBytes(hash, commit.hash)) throw rollbackError(commit.header.seq);
    return { isVoid: false, skipped: [], commit };
  }

  #checkPin({ header, hash }: Commit): void {
    if (this.#pin?.seq === header.seq && !equalBytes(this.#pin.hash, hash)) throw rollbackError(header.seq);
  }

  /** What the server must have refused, it did not: it lies, or it shows another history. */
  #judged(commit: Commit, known: VaultState | undefined): VaultState {
    const { header } = commit;
    if (known !== undefined && header.seq === known.seq + 1 && !equalBytes(header.prev, known.head))
      throw rollbackError(header.seq);
    try {
      if (!equalBytes(commit.vault, this.vault)) throw integrityError('The journal of a vault');
      return known === undefined ? this.#opened(commit) : judgeCommit(known, commit, this.#directory);
    } catch (error) {
      if (!isCofferError(error) || error.code === 'UPGRADE_REQUIRED') throw error;
      throw integrityError('The journal of a vault', { seq: header.seq, reason: error.code });
    }
  }

  /** Which vault it is the server said: only one that is what was asked for is believed. */
  #opened(genesis: Commit): VaultState {
    const state = openVault(genesis, this.#directory);
    this.#checkExpected(state);
    return state;
  }

  /** What was folded as one vault may be asked for as another: the server says which it is. @throws INTEGRITY */
  #checkExpected(state: VaultState | undefined): void {
    const { kind, owner } = this.#expected;
    if (state === undefined) return;
    if (state.kind !== kind || (owner !== undefined && !equalBytes(state.owner, owner))) throw anotherVault();
  }

  #learnEpochs({ header }: Commit): void {
    const { records, grants } = epochsIn(header, { vault: this.vault, account: this.#key.account });
    for (const record of records) {
      this.#sql.addEpoch(record);
      this.#secrets.learn(record);
    }
    for (const grant of grants) {
      this.#sql.addGrant(grant);
      this.#secrets.learnGrant(grant);
    }
    this.sealedTo.learn(header);
  }

  #transaction(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      this.#reload();
      work();
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#db.exec('ROLLBACK');
      this.#reload();
      throw error;
    }
  }

  #savepoint<Result>(work: (undo: () => void) => Result): Result {
    this.#db.exec('SAVEPOINT one_commit');
    const result = work(() => this.#db.exec('ROLLBACK TO one_commit'));
    this.#db.exec('RELEASE one_commit');
    return result;
  }

  #reload(): void {
    const bytes = this.#sql.meta('state');
    const stored = bytes === undefined ? undefined : decodeVaultState(bytes);
    this.#checkExpected(stored);
    if (isSameHead(stored, this.#state)) return;
    this.#state = stored;
    // What was learned of epochs may have been taken back.
    this.#secrets = new EpochSecrets(this.vault, this.#key);
    for (const record of this.#sql.epochs()) this.#secrets.learn(record);
    for (const grant of this.#sql.grants()) this.#secrets.learnGrant(grant);
    for (const seen of this.#ahead) this.#learnSeen(seen);
  }
}

/** Skipped operations that a report tells one by one. */
const maxReported = 1000;

interface FoldedOne {
  readonly isVoid: boolean;
  readonly skipped: readonly Skipped[];
  readonly commit: Commit;
}

const none = new Uint8Array(0);

/** `missingKey` in the details: the journal may give it further on. */
function missingKey(epoch: number): CofferError {
  const details = { epoch, missingKey: true };
  return new CofferError('NOT_ALLOWED', 'this device does not hold the key of the vault', { details });
}

function anotherVault(): CofferError {
  return integrityError('The beginning of a vault');
}

function isSameHead(one: VaultState | undefined, other: VaultState | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.seq === other.seq && equalBytes(one.head, other.head);
}

/** The server said how far the journal goes; leaving commits out at the end is a lie as well. */
export function checkArrived(state: VaultState | undefined, { seq, head }: Exclude<PullEnd, 'more'>): void {
  if (state === undefined) throw new CofferError('NOT_FOUND', 'the vault is empty on the server');
  if (state.seq < seq) throw integrityError('The journal of a vault', { seq: state.seq, announced: seq });
  if (state.seq === seq && !equalBytes(state.head, head)) throw rollbackError(seq);
}

/** A commit as the server gave it. @throws INTEGRITY, UPGRADE_REQUIRED */
export function parsedCommit(bytes: Uint8Array): Commit {
  try {
    return parseCommit(bytes);
  } catch (error) {
    if (!isCofferError(error) || error.code === 'UPGRADE_REQUIRED') throw error;
    throw integrityError('A commit', { reason: error.code });
  }
}

interface NewCommitRow {
  readonly commit: Commit;
  readonly receivedAtMs: number;
  readonly isVoid: boolean;
  readonly skipped: number;
}

function prepareJournalStatements(db: DatabaseSync) {
  const sql = {
    meta: db.prepare('SELECT value FROM meta WHERE key = ?'),
    setMeta: db.prepare(
      'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    ),
    deleteMeta: db.prepare('DELETE FROM meta WHERE key = ?'),
    hashAt: db.prepare('SELECT hash FROM commits WHERE seq = ?'),
    addCommit: db.prepare(
      'INSERT INTO commits (seq, hash, received_ms, account, device, void, skipped) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    addEpoch: db.prepare('INSERT INTO epochs (n, commitment, link) VALUES (?, ?, ?)'),
    epochs: db.prepare('SELECT n, commitment, link FROM epochs'),
    addGrant: db.prepare(
      'INSERT INTO grants (n, sender, object, recipient, worker, fingerprint, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    grants: db.prepare(
      'SELECT n, sender AS "from", object, recipient AS "to", worker, fingerprint, sealed FROM grants ORDER BY id DESC',
    ),
  };
  return {
    meta: (key: string) => sql.meta.get(key)?.['value'] as Uint8Array | undefined,
    setMeta: (key: string, value: Uint8Array) => void sql.setMeta.run(key, value),
    cut: () => sql.meta.get('cut')?.['value'] as number | undefined,
    setCut: (generation: number | undefined) => void sql.setMeta.run('cut', generation ?? 0),
    deleteMeta: (key: string) => void sql.deleteMeta.run(key),
    hashAt: (seq: number) => sql.hashAt.get(seq)?.['hash'] as Uint8Array | undefined,
    addCommit: ({ commit: { header, hash }, receivedAtMs, isVoid, skipped }: NewCommitRow) => {
      const device = header.device.byteLength === 0 ? null : header.device;
      sql.addCommit.run(header.seq, hash, receivedAtMs, header.account, device, isVoid ? 1 : 0, skipped);
    },
    addEpoch: ({ n, commitment, link }: EpochRecord) => void sql.addEpoch.run(n, commitment, link),
    epochs: () => sql.epochs.all() as unknown as EpochRecord[],
    addGrant: ({ n, from, object, to, worker, fingerprint, sealed }: EpochGrant) =>
      void sql.addGrant.run(n, from, object, to, worker, fingerprint, sealed),
    grants: () => sql.grants.all() as unknown as EpochGrant[],
  };
}
