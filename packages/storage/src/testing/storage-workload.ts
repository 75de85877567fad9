import type { AccountId, EntryId, Random } from '@coffer/core';
import { concatBytes, isCofferError, randomUnit, splitBytes } from '@coffer/core';
import type { Commit, Ref } from '@coffer/journal';
import { parseCommit } from '@coffer/journal';
import { putRef, TestAccount, testRandom, TestVault } from '@coffer/journal/testing';
import type { TestDevice } from '@coffer/journal/testing';
import { AssertionError, ok, rejects } from 'node:assert/strict';
import type { Storage } from '../storage.ts';
import type { Ack } from '../vaults/vault-appender.ts';

export interface WorkloadOptions {
  /** The same seed does the same things. */
  readonly seed: number;
  /** Largest payload of a chunk. */
  readonly chunkBytes?: number;
  /** Other content for the same account: the how-manieth process it is that works for it. */
  readonly run?: number;
  /** Chunks that are sent along with every upload and that no commit will ever refer to. */
  readonly waste?: number;
}

/** What {@link StorageWorkload.verify} found beyond what was acknowledged. */
export interface Verified {
  readonly commits: number;
  readonly chunks: number;
  /** True when the commit that was under way had made it. */
  readonly pendingThere: boolean;
}

/**
 * A client that remembers what was acknowledged: it uploads, appends, removes and brings back, and can tell at any time
 * whether a storage still holds all of it. Made for storages that are cut, killed and damaged between two steps.
 */
export class StorageWorkload {
  readonly owner: TestAccount;
  readonly device: TestDevice;
  readonly vault: TestVault;
  readonly acknowledged: Commit[] = [];
  readonly #random: Random;
  readonly #chunkBytes: number;
  readonly #waste: number;
  readonly #entries: EntryId[] = [];
  /** Sent since the last acknowledgement; one of them may have made it. */
  #pending: Commit[] = [];
  /** Sent for a commit that is not acknowledged: asked for before anything else is sent, as a client does. */
  #unsure: Uint8Array[] = [];

  constructor({ seed, chunkBytes = 2000, run = 0, waste = 0 }: WorkloadOptions) {
    this.#waste = waste;
    this.#random = testRandom(seed + 10_000 * run);
    this.#chunkBytes = chunkBytes;
    this.owner = new TestAccount(seed + 1000);
    this.device = this.owner.enroll();
    this.vault = new TestVault({ owner: this.owner });
    this.#pending.push(this.vault.genesis);
  }

  get account(): AccountId {
    return this.owner.account;
  }

  /** Makes the account and its home vault. */
  async begin(storage: Storage): Promise<void> {
    const records = { registrationRecord: new Uint8Array(3), unlockRecord: new Uint8Array(4) };
    await storage.accounts.create({
      username: `user-${this.account[0]}-${this.account[1]}`,
      role: 'user',
      ...records,
      identity: this.owner.statements,
    });
    await storage.createVault(this.vault.genesis);
    this.#acknowledge(this.vault.genesis);
  }

  /** Goes on with a vault that an earlier process began, from what the storage holds of it. */
  async resume(storage: Storage): Promise<void> {
    if (!(await storage.head(this.vault.id))) return this.begin(storage);
    for await (const { bytes } of storage.pull(this.vault.id, 0)) {
      const commit = parseCommit(bytes.slice());
      if (commit.header.seq > 1) this.vault.add(commit);
      this.#acknowledge(commit);
    }
  }

  /** One upload and one commit. Whatever it throws, `verify` tells afterwards what became of it. */
  async step(storage: Storage): Promise<void> {
    const refs = await this.#nextRefs(storage);
    const commit = this.vault.make({ by: this.device, refs });
    const ack = await this.#append(storage, commit);
    ok(ack.seq === commit.header.seq, 'an acknowledgement of something else');
    this.vault.add(commit);
    this.#acknowledge(commit);
  }

  /** A small commit and one of `bytes` on top of it, in one append that the disk has no room for: neither may be there later. */
  async stepTooFar(storage: Storage, bytes: number): Promise<readonly Commit[]> {
    const small = this.vault.make({ by: this.device });
    const header = { seq: small.header.seq + 1, prev: small.hash };
    const large = this.vault.make({ by: this.device, header, body: this.#random.bytes(bytes) });
    await rejects(storage.append(this.vault.id, [small, large]), { code: 'NO_SPACE' });
    return [small, large];
  }

  /**
   * Everything acknowledged is there, byte for byte, and nothing else but perhaps the commit that was under way; every
   * chunk that a version refers to can be read. The workload goes on from what it finds.
   * Looks at an earlier moment when `acknowledged` says how much had been promised and `underWay` what had been sent.
   * @throws AssertionError
   */
  async verify(
    storage: Storage,
    acknowledged: number = this.acknowledged.length,
    underWay: readonly Commit[] = [],
  ): Promise<Verified> {
    const pulled: Commit[] = [];
    const head = await storage.head(this.vault.id);
    if (head) for await (const { bytes } of storage.pull(this.vault.id, 0)) pulled.push(parseCommit(bytes.slice()));
    ok(pulled.length >= acknowledged, `${acknowledged} commits were acknowledged, ${pulled.length} are there`);
    ok(pulled.length <= this.acknowledged.length + 1, 'there are commits that nobody sent');
    pulled.forEach((commit, index) => {
      const known = this.acknowledged[index];
      const sent = [...(known ? [known] : this.#pending), ...underWay];
      ok(
        sent.some(({ bytes }) => Buffer.compare(commit.bytes, bytes) === 0),
        `commit ${index + 1} is not the one that was sent`,
      );
    });
    const chunks = await this.#verifyChunks(storage, pulled);
    const more = pulled[this.acknowledged.length];
    if (more) this.#adopt(more);
    return { commits: pulled.length, chunks, pendingThere: more !== undefined };
  }

  /** What was refused for want of room must stay away, whatever happens to the disk later. */
  async #append(storage: Storage, commit: Commit): Promise<Ack> {
    this.#pending.push(commit);
    try {
      return await storage.append(this.vault.id, [commit]);
    } catch (error) {
      if (isCofferError(error, 'NO_SPACE')) this.#pending.pop();
      throw error;
    }
  }

  #acknowledge(commit: Commit): void {
    this.acknowledged.push(commit);
    this.#pending = [];
    this.#unsure = [];
  }

  #adopt(commit: Commit): void {
    if (commit.header.seq > 1) this.vault.add(commit);
    this.#acknowledge(commit);
  }

  async #nextRefs(storage: Storage): Promise<Ref[]> {
    const [known] = this.#entries;
    const luck = randomUnit(this.#random);
    if (known && luck < 0.15) return [{ kind: 'drop', entries: [known], reason: 'removed' }];
    const entry = luck < 0.5 && known ? known : this.#random.bytes(16);
    const ids = await this.#upload(storage);
    this.#entries.unshift(entry);
    return [putRef(entry, { uploader: this.account, ids })];
  }

  async #upload(storage: Storage): Promise<Uint8Array[]> {
    const missing = await this.#missing(storage);
    const writer = await storage.putChunks({ ...this.#scope, kind: 'chunk' });
    for (const id of missing) await writer.put(id, payloadOf(id, this.#chunkBytes));
    for (let count = 0; count < this.#waste; count += 1) {
      const id = this.#random.bytes(32);
      await writer.put(id, payloadOf(id, this.#chunkBytes));
    }
    await writer.finish();
    return this.#unsure;
  }

  /** Of what is to be committed next: left over from a commit that failed, or new. */
  async #missing(storage: Storage): Promise<readonly Uint8Array[]> {
    if (this.#unsure.length === 0) {
      const count = 1 + Math.floor(randomUnit(this.#random) * 3);
      this.#unsure = Array.from({ length: count }, () => this.#random.bytes(32));
      return this.#unsure;
    }
    const present = await storage.presentChunks({ ...this.#scope, ids: concatBytes(...this.#unsure) });
    return this.#unsure.filter((_id, index) => ((present[index >> 3] ?? 0) & (1 << (index & 7))) === 0);
  }

  get #scope() {
    return { vault: this.vault.id, uploader: this.account };
  }

  async #verifyChunks(storage: Storage, commits: readonly Commit[]): Promise<number> {
    const refs = commits.flatMap(({ header }) => header.refs);
    const ids = concatBytes(...refs.flatMap((ref) => (ref.kind === 'put' ? ref.chunks.map((chunk) => chunk.ids) : [])));
    if (ids.byteLength === 0) return 0;
    let count = 0;
    try {
      for await (const { id, payload } of storage.readChunks({ ...this.#scope, ids })) {
        const sent = payloadOf(id, this.#chunkBytes);
        ok(Buffer.compare(sent, payload) === 0, 'a chunk is not what was sent');
        count += 1;
      }
    } catch (error) {
      if (!isCofferError(error)) throw error;
      throw new AssertionError({ message: `a chunk of an acknowledged version cannot be read: ${error.code}` });
    }
    ok(count === splitBytes(ids, 32).length, 'a chunk is not there');
    return count;
  }
}

/** The payload of a chunk follows from its id, so that any process can tell whether it is right. */
function payloadOf(id: Uint8Array, maxBytes: number): Uint8Array {
  const bytes = 1 + (new DataView(id.buffer, id.byteOffset).getUint32(0) % maxBytes);
  const payload = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += id.byteLength)
    payload.set(id.subarray(0, Math.min(id.byteLength, bytes - at)), at);
  new DataView(payload.buffer).setUint8(bytes - 1, bytes & 255);
  return payload;
}
