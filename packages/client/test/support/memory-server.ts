import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CofferError,
  concatBytes,
  encodeCbor,
  equalBytes,
  idKey,
  silentLogger,
  splitBytes,
  systemClock,
  systemRandom,
  u64,
  zeroHash,
} from '@coffer/core';
import type { IdKey } from '@coffer/core';
import { judgeCommit, openVault, parseCommit } from '@coffer/journal';
import type { Commit, VaultState } from '@coffer/journal';
import { protocolVersion, ServerConnection } from '@coffer/protocol';
import type { Handlers, Transport } from '@coffer/protocol';
import { createMemoryTransportPair, fakeHandlers } from '@coffer/protocol/testing';
import { openAccount, Profile } from '../../src/index.ts';
import type { Account, Dial } from '../../src/index.ts';
import { encodeDeviceKeys } from '../../src/profile/device-keys.ts';
import { writePrivateFile } from '../../src/profile/private-file.ts';
import { noKeyring } from './keyring.ts';
import { receivedAtMs, TestJournal } from './test-journal.ts';

/** What a server may do wrong; everything else it does right. */
export interface Lies {
  /** The commits that a pull delivers, and what it says the head is. */
  pull?: (honest: { commits: readonly Commit[]; head: Commit }) => { commits: readonly Commit[]; head: Commit };
  /** The DATA frames of a get: each `id ‖ sealed`. */
  get?: (frames: readonly Uint8Array[]) => readonly Uint8Array[];
  /** Called when a commit was appended, before it is acknowledged. */
  appended?: (commit: Commit) => void;
  /** Called when an append arrives, before anything is looked at. */
  appending?: () => void;
  /** Called with each chunk that arrives; it is kept only for true. */
  put?: (id: Uint8Array) => boolean;
  generation?: number;
}

/** A server in memory for the one account of a {@link TestJournal}: real protocol, real rules of the journal, no login. */
export class MemoryServer {
  readonly world = new TestJournal();
  readonly chunks = new Map<IdKey, Uint8Array>();
  readonly commits: Commit[];
  lies: Lies = {};
  /** Ids that arrived, with repetitions. */
  readonly received: IdKey[] = [];
  readonly #connections = new Set<Transport>();
  #state: VaultState;

  constructor() {
    const genesis = this.world.head;
    this.commits = [genesis];
    this.#state = openVault(genesis, this.world.chains);
  }

  readonly dial: Dial = () => {
    const [client, server] = createMemoryTransportPair();
    this.#connections.add(server);
    ServerConnection.serve(server, {
      handlers: fakeHandlers(this.#handlers()),
      context: undefined,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
    });
    return Promise.resolve({ transport: client, pin: new Uint8Array(32), certificateEndsMs: Number.POSITIVE_INFINITY });
  };

  /** A commit that came another way. */
  append(commit: Commit): void {
    this.#appendNew(commit);
  }

  /** All connections break. */
  cut(): void {
    for (const transport of this.#connections) transport.destroy();
    this.#connections.clear();
  }

  #handlers(): Partial<Handlers<undefined>> {
    return { ...this.#sessionHandlers(), ...this.#vaultHandlers(), ...this.#chunkHandlers() };
  }

  #sessionHandlers(): Partial<Handlers<undefined>> {
    const { account } = this.world;
    return {
      'session.hello': async () => ({
        protocol: protocolVersion,
        server: this.world.server,
        generation: this.lies.generation ?? 0,
        time: Date.now(),
        limits: { frameBytes: 4096, dataBytes: 4096, streams: 64, hasIds: 4096 },
        registration: 'closed',
      }),
      'session.challenge': async () => ({ challenge: systemRandom.bytes(32) }),
      'session.prove': async () => ({ username: 'ada', role: 'user' }),
      'account.identity': async ({ after }) => ({
        statements: this.world.statements.slice(after),
        more: false,
        certificate: null,
      }),
      'vault.list': async () => ({
        vaults: [
          {
            vault: this.world.vault,
            kind: 'home',
            owner: account,
            role: 'owner',
            seq: this.#state.seq,
            head: this.#state.head,
          },
        ],
      }),
    };
  }

  #vaultHandlers(): Partial<Handlers<undefined>> {
    return {
      'vault.pull': async ({ after }) => {
        const head = this.commits.at(-1) ?? this.world.head;
        const honest = { commits: this.commits.slice(after), head };
        const told = this.lies.pull?.(honest) ?? honest;
        return { response: { seq: told.head.header.seq, head: told.head.hash }, data: pullFrames(told.commits) };
      },
      'vault.append': async (_request, { data }) => {
        this.lies.appending?.();
        let ack = { seq: this.#state.seq, head: this.#state.head, receivedAt: 0 };
        for await (const bytes of data) ack = this.#append(parseCommit(Uint8Array.from(bytes)));
        return ack;
      },
    };
  }

  #chunkHandlers(): Partial<Handlers<undefined>> {
    return {
      'chunk.has': async ({ ids }) => {
        const list = splitBytes(ids, 32);
        const present = new Uint8Array(Math.ceil(list.length / 8));
        for (const [bit, id] of list.entries()) {
          if (this.chunks.has(idKey(id))) present[bit >> 3] = (present[bit >> 3] ?? 0) | (1 << (bit & 7));
        }
        return { present };
      },
      'chunk.put': async (_request, { data }) => {
        let bytes = 0;
        for await (const frame of data) {
          const id = frame.subarray(0, 32);
          this.received.push(idKey(id));
          if (this.lies.put?.(id) ?? true) this.chunks.set(idKey(id), Uint8Array.from(frame.subarray(32)));
          bytes += frame.byteLength - 32;
        }
        return { stored: 0, duplicates: 0, bytes };
      },
      'chunk.get': async ({ ids }) => ({ response: {}, data: this.#getFrames(splitBytes(ids, 32)) }),
    };
  }

  async *#getFrames(ids: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
    const frames: Uint8Array[] = [];
    let isMissing = false;
    for (const id of ids) {
      const chunk = this.chunks.get(idKey(id));
      isMissing ||= chunk === undefined;
      if (chunk !== undefined && !isMissing) frames.push(concatBytes(id, chunk));
    }
    yield* this.lies.get?.(frames) ?? frames;
    if (isMissing) throw new CofferError('NOT_FOUND', 'a chunk is not there');
  }

  #append(commit: Commit): { seq: number; head: Uint8Array; receivedAt: number } {
    const known = this.commits[commit.header.seq - 1];
    if (known === undefined || !equalBytes(known.hash, commit.hash)) this.#appendNew(commit);
    return { seq: commit.header.seq, head: commit.hash, receivedAt: receivedAtMs(commit.header.seq) };
  }

  #appendNew(commit: Commit): void {
    const state = judgeCommit(this.#state, commit, this.world.chains);
    for (const ref of commit.header.refs) {
      if (ref.kind !== 'put') continue;
      const ids = [...ref.chunks.flatMap(({ ids: list }) => splitBytes(list, 32)), ...splitBytes(ref.segments, 32)];
      if (ids.some((id) => !this.chunks.has(idKey(id)))) throw new CofferError('MISSING_CHUNKS', 'chunks are missing');
    }
    this.#state = state;
    this.commits.push(commit);
    this.lies.appended?.(commit);
  }
}

async function* pullFrames(commits: readonly Commit[]): AsyncGenerator<readonly Uint8Array[]> {
  for (const { bytes, header } of commits) yield [u64(receivedAtMs(header.seq)), bytes];
}

/** A folder with one profile that is logged in at a {@link MemoryServer}. */
export class MemoryDevice implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'coffer-client-'));
  readonly profile: Profile;
  readonly #server: MemoryServer;

  constructor(server: MemoryServer) {
    this.#server = server;
    const { world } = server;
    const deps = { clock: systemClock, random: systemRandom, keyring: noKeyring };
    this.profile = Profile.open({ home: this.folder, name: 'test' }, deps);
    const { dedup, ...secrets } = world.secrets;
    const keys = { kind: 'full' as const, deviceSeed: world.deviceSeed, ...secrets, dedup: [...dedup] };
    writePrivateFile(join(this.profile.path, 'keystore'), encodeDeviceKeys(keys));
    writePrivateFile(this.profile.chainPath, encodeCbor(world.statements));
    this.profile.save({
      host: 'memory',
      port: 1,
      server: world.server,
      pin: zeroHash,
      username: 'ada',
      role: 'user',
      account: world.account,
      device: world.device,
      deviceName: 'test',
      keystore: 'file',
      home: world.vault,
    });
  }

  open(): Promise<Account> {
    const unlock = (): never => {
      throw new TypeError('this keystore needs no password');
    };
    return openAccount({ profile: this.profile, unlock }, { dial: this.#server.dial });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
