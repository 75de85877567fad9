import { equalBytes, idKey, randomId, timestampFromMs, zeroHash } from '@coffer/core';
import type { Hash, Random, VaultId } from '@coffer/core';
import { makeCommit } from '../commit.ts';
import type { Commit } from '../commit.ts';
import type { CommitHeader } from '../commit-header.ts';
import type { Directory, TeamState } from '../directory.ts';
import { judgeCommit, openVault } from '../judge.ts';
import { epochRecipients, recipientsOf } from '../judge-epoch.ts';
import type { JournalPosition } from '../judge-epoch.ts';
import { encodeOperations } from '../operation.ts';
import type { Operation } from '../operation.ts';
import type { Subject } from '../field-schemas.ts';
import type { EpochRef, EpochSeal, MemberRef, Ref, Role, VaultKind } from '../ref.ts';
import type { VaultState } from '../vault-state.ts';
import { TestAccount } from './test-account.ts';
import type { TestDevice } from './test-account.ts';

export interface TestVaultOptions {
  readonly owner: TestAccount;
  readonly kind?: VaultKind;
  /** Other accounts (or anything else) that commits will speak of; by default the owner's chain as it is at each call. */
  readonly directory?: () => Directory;
}

export interface TestCommit {
  readonly by: TestDevice;
  readonly refs?: readonly Ref[];
  /** Stand in the body in the clear: there is no cryptography below this package. */
  readonly operations?: readonly Operation[];
  /** Instead of operations: any bytes. */
  readonly body?: Uint8Array;
  /** Fields to write wrong on purpose. */
  readonly header?: Partial<CommitHeader>;
}

/** A vault with a real chain of signed commits. Bodies are not sealed and sealed secrets are random bytes. */
export class TestVault {
  readonly genesis: Commit;
  readonly commits: Commit[];
  readonly directory: () => Directory;
  readonly #random: Random;
  readonly #states: VaultState[];

  constructor({ owner, kind = 'home', directory = () => TestAccount.directory(owner) }: TestVaultOptions) {
    this.#random = owner.random;
    this.directory = directory;
    this.genesis = testGenesis(owner, kind);
    this.commits = [this.genesis];
    this.#states = [openVault(this.genesis, directory())];
  }

  get id(): VaultId {
    return this.genesis.vault;
  }

  get state(): VaultState {
    return this.#states.at(-1) ?? openVault(this.genesis, this.directory());
  }

  /** As `Directory.team` answers for a team: the state at `head`, and which heads came before. */
  teamState(head: Hash): TeamState | undefined {
    const at = this.#states.findIndex((state) => equalBytes(state.head, head));
    const state = this.#states[at];
    const known = this.#states.slice(0, at + 1);
    return state && { state, extends: (earlier) => known.some((one) => equalBytes(one.head, earlier)) };
  }

  /** A signed commit on top of the head; not appended, and not judged. */
  make({ by, refs = [], operations = [], body, header = {} }: TestCommit): Commit {
    const { vault, seq, head, epoch } = this.state;
    const next = {
      v: 1,
      vault,
      seq: seq + 1,
      prev: head,
      epoch: refs.some(({ kind }) => kind === 'epoch') ? epoch + 1 : epoch,
      account: by.account,
      device: by.device,
      commitId: randomId<'commit'>(this.#random),
      at: timestampFromMs(1_700_000_000_000 + seq * 1000),
      refs,
      ...header,
    } as const;
    return makeCommit({ header: next, body: body ?? encodeOperations(operations), sign: by.sign });
  }

  /** Makes, judges and keeps a commit. @throws as `judgeCommit` */
  append(commit: TestCommit): Commit {
    return this.add(this.make(commit));
  }

  /** Judges and keeps a commit made elsewhere. @throws as `judgeCommit` */
  add(commit: Commit): Commit {
    this.#states.push(judgeCommit(this.state, commit, this.directory()));
    this.commits.push(commit);
    return commit;
  }

  /** Makes an account or a team a member, at its newest head. */
  admission(who: TestAccount | TestVault, role: Role = 'write'): MemberRef {
    const { member, chainHead } = subjectOf(who);
    const identities = new Map(this.state.identities).set(idKey(member), chainHead);
    const recipients = recipientsOf(member, { state: { ...this.state, identities }, directory: this.directory() });
    const seals = recipients.map(({ worker }) => ({ worker, sealed: Uint8Array.of(1) }));
    return { kind: 'member', member, role, fingerprint: recipients[0]?.fingerprint ?? zeroHash, chainHead, seals };
  }

  /** Takes a member out, and ends the epoch for the others. */
  departure(who: TestAccount | TestVault): readonly [MemberRef, EpochRef] {
    const { member } = subjectOf(who);
    const members = new Map(this.state.members);
    members.delete(idKey(member));
    const epoch = this.nextEpoch({ state: { ...this.state, members }, directory: this.directory() });
    return [{ kind: 'member', member, role: 'none', fingerprint: zeroHash, chainHead: zeroHash, seals: [] }, epoch];
  }

  /** An `epoch` ref that follows, sealed to exactly the members of `position` (by default: as they are now). */
  nextEpoch(position: JournalPosition = { state: this.state, directory: this.directory() }): EpochRef {
    const recipients = epochRecipients(position).flatMap((member) => member.recipients);
    return testEpoch(position.state.epoch + 1, { recipients, random: this.#random, kind: position.state.kind });
  }
}

function subjectOf(who: TestAccount | TestVault): { readonly member: Subject; readonly chainHead: Hash } {
  return who instanceof TestAccount
    ? { member: who.account, chainHead: who.state.head }
    : { member: who.id, chainHead: who.state.head };
}

/** A genesis signed by the identity key of `owner`. */
function testGenesis(owner: TestAccount, kind: VaultKind): Commit {
  const { account, state, random } = owner;
  const recipients = [{ recipient: account, worker: null, fingerprint: state.fingerprint }];
  const header = {
    v: 1,
    vault: new Uint8Array(32),
    seq: 1,
    prev: zeroHash,
    epoch: 0,
    account,
    device: new Uint8Array(0),
    commitId: randomId<'commit'>(random),
    at: timestampFromMs(1_700_000_000_000),
    refs: [
      { kind: 'genesis', vaultKind: kind, owner: account, fingerprint: state.fingerprint, chainHead: state.head },
      testEpoch(0, { recipients, random, kind }),
    ],
  } as const;
  const body = encodeOperations([['init', random.bytes(32)]]);
  return makeCommit({ header, body, sign: owner.identityKey.sign });
}

interface EpochParts {
  readonly recipients: readonly Omit<EpochSeal, 'sealed'>[];
  readonly random: Random;
  readonly kind: VaultKind;
}

function testEpoch(n: number, { recipients, random, kind }: EpochParts): EpochRef {
  const seals = recipients.map(({ recipient, worker, fingerprint }) => ({
    recipient,
    worker,
    fingerprint,
    sealed: random.bytes(1168),
  }));
  const commitment: Hash = random.bytes(32);
  const teamKey = kind === 'team' ? random.bytes(1216) : null;
  return { kind: 'epoch', n, commitment, link: n === 0 ? null : random.bytes(113), seals, teamKey };
}
