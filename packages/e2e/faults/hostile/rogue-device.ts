import {
  concatBytes,
  encodeCbor,
  equalBytes,
  randomId,
  rootEntry,
  systemClock,
  systemRandom,
  timestampFromMs,
} from '@coffer/core';
import type { CommitId, EntryId, Hash, VaultId } from '@coffer/core';
import { createTlsDial, openAccount, Profile } from '@coffer/client';
import type { ProfileRecord } from '@coffer/client';
import { ed25519KeyPair, openCommitBody, sealCommitBody } from '@coffer/crypto';
import { bodyAssociatedData, makeCommit, parseCommit, parseOperations, signedBytes } from '@coffer/journal';
import type { Commit, PutOperation, PutRef, Ref, Signer } from '@coffer/journal';
import { authTranscript, ClientConnection, deviceProof, deviceProofLabel, protocolVersion } from '@coffer/protocol';
import type { Coffer } from '../../src/index.ts';

/** A commit that the server takes: signed, in its place. What its readers make of it is theirs. */
export interface HostileCommit {
  readonly refs?: readonly Ref[];
  /** Sealed as they are: nothing checks them here. */
  readonly operations?: readonly (readonly unknown[])[];
  /** What is sealed, in place of operations. */
  readonly plain?: Uint8Array;
  /** What stands in place of anything sealed. */
  readonly body?: Uint8Array;
  /** Sealed for another commit than this. */
  readonly misplaced?: true;
  /** Marked as of the next version of the format. */
  readonly newer?: true;
}

/** A file whose content is stored, as the journal speaks of it. */
export interface StoredFile {
  readonly operation: PutOperation;
  readonly ref: PutRef;
}

interface RogueParts {
  readonly connection: ClientConnection;
  readonly record: ProfileRecord;
  readonly sign: Signer;
  /** Where it writes, and the folder at the top of it. */
  readonly vault: VaultId;
  readonly top: EntryId;
  readonly epoch: { readonly n: number; readonly secret: Uint8Array };
}

const receiveTimeBytes = 8;

/** A share as a member sees it, and the password of the member's machine. */
export interface MemberOf {
  readonly owner: string;
  readonly name: string;
  readonly password: string;
}

/** A device with valid keys, let in by the server, that writes to a vault what no honest client would. */
export class RogueDevice implements AsyncDisposable {
  readonly #parts: RogueParts;

  private constructor(parts: RogueParts) {
    this.#parts = parts;
  }

  /** In the vault of its account: takes the place of a logged-in device that has committed before, so that the journal knows it. */
  static async open({ home }: Coffer): Promise<RogueDevice> {
    const profile = Profile.open({ home, name: 'default' });
    const record = profile.requireRecord();
    const keys = await profile.keystore.open(record, () => Promise.resolve(''));
    const epoch = 'epochs' in keys ? keys.epochs.find(({ vault }) => equalBytes(vault, record.home)) : undefined;
    if (epoch === undefined) throw new TypeError('a device with a keystore of kind `file` is expected');
    const { sign } = ed25519KeyPair(keys.deviceSeed);
    const place = { vault: record.home, top: rootEntry, epoch };
    return new RogueDevice({ connection: await connected(record, sign), record, sign, ...place });
  }

  /** In a share of somebody else: takes the place of a machine of a member that has committed there before. */
  static async openMember({ home }: Coffer, { owner, name, password }: MemberOf): Promise<RogueDevice> {
    const profile = Profile.open({ home, name: 'default' });
    const record = profile.requireRecord();
    const unlock = (): Promise<string> => Promise.resolve(password);
    const { sign } = ed25519KeyPair((await profile.keystore.open(record, unlock)).deviceSeed);
    await using account = await openAccount({ profile, unlock });
    const share = await account.shared.find(owner, name);
    if (share === undefined) throw new TypeError('a share of that name is expected');
    const { vault, entry } = share;
    const n = vault.state?.epoch ?? 0;
    const place = { vault: vault.id, top: entry.entry, epoch: { n, secret: vault.epochSecret(n) } };
    return new RogueDevice({ connection: await connected(record, sign), record, sign, ...place });
  }

  get account(): ProfileRecord['account'] {
    return this.#parts.record.account;
  }

  /** The folder in which it can put something. */
  get top(): EntryId {
    return this.#parts.top;
  }

  get deviceName(): string {
    return this.#parts.record.deviceName;
  }

  /** @throws what the server answers */
  async append(commit: HostileCommit): Promise<void> {
    const { connection, vault } = this.#parts;
    const { response } = await connection.request('vault.head', { vault });
    const { bytes } = this.#commit(commit, { seq: response.seq + 1, prev: response.head });
    await connection.request(
      'vault.append',
      { vault },
      { data: oneFrame(commit.newer === true ? ofNextVersion(bytes) : bytes) },
    );
  }

  /** Stores bytes as a chunk of its own account, whatever they are. @throws what the server answers */
  async putChunk(id: Uint8Array, sealed: Uint8Array): Promise<void> {
    const { connection, vault } = this.#parts;
    const data = oneFrame(concatBytes(id, sealed));
    await connection.request('chunk.put', { vault, kind: 'chunk' }, { data });
  }

  /** The file that was put last. @throws TypeError when there is none */
  async lastStoredFile(): Promise<StoredFile> {
    const { connection, vault, epoch } = this.#parts;
    const { data } = await connection.request('vault.pull', { vault, after: 0 });
    let last: StoredFile | undefined;
    for await (const frame of data) {
      const { header, body } = parseCommit(frame.slice(receiveTimeBytes));
      const plain = openCommitBody({
        epochSecret: epoch.secret,
        n: header.epoch,
        associatedData: bodyAssociatedData(header),
        body,
      });
      const operation = parseOperations(plain).find((one) => one[0] === 'put' && one[4] === 'file');
      const ref = header.refs.find(({ kind }) => kind === 'put');
      if (operation?.[0] === 'put' && ref?.kind === 'put') last = { operation, ref };
    }
    if (last === undefined) throw new TypeError('no file was put before');
    return last;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.connection[Symbol.asyncDispose]();
  }

  #commit(
    { refs = [], operations = [], plain, body, misplaced }: HostileCommit,
    place: { seq: number; prev: Hash },
  ): Commit {
    const { record, sign, vault, epoch } = this.#parts;
    const { account, device } = record;
    const commitId: CommitId = randomId(systemRandom);
    const associatedData = bodyAssociatedData({
      vault,
      epoch: epoch.n,
      account,
      device,
      commitId: misplaced === true ? randomId(systemRandom) : commitId,
    });
    const sealed = sealCommitBody({
      epochSecret: epoch.secret,
      n: epoch.n,
      operations: plain ?? encodeCbor(operations),
      associatedData,
      random: systemRandom,
    });
    const at = timestampFromMs(systemClock.nowMs());
    const header = { v: 1, vault, ...place, epoch: epoch.n, account, device, commitId, at, refs } as const;
    return makeCommit({ header, body: body ?? sealed, sign });
  }
}

async function connected(record: ProfileRecord, sign: Signer): Promise<ClientConnection> {
  const dial = createTlsDial({ clock: systemClock });
  const { transport } = await dial(record, { kind: 'pin', pin: record.pin });
  const connection = ClientConnection.open(transport, { clock: systemClock });
  const { server, account, device } = record;
  await connection.request('session.hello', { protocol: protocolVersion, client: 'rogue', role: 'control' });
  const { response } = await connection.request('session.challenge', { account, device });
  const { exporter, negotiated } = connection;
  const transcript = authTranscript({ server, account, device, exporter, negotiated });
  await connection.request('session.prove', {
    signature: sign(signedBytes(deviceProofLabel, deviceProof(transcript, response.challenge))),
  });
  return connection;
}

/** The text "v" and the number 1 in the header's CBOR (docs/FORMAT.md). */
function ofNextVersion(bytes: Uint8Array): Uint8Array {
  const next = bytes.slice();
  next[Buffer.from(bytes).indexOf(Uint8Array.of(0x61, 0x76, 0x01)) + 2] = 2;
  return next;
}

async function* oneFrame(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
