import type { AccountId, Clock, Random } from '@coffer/core';
import { CofferError, concatBytes, idFromKey, idKey, MiB, toHex, u64 } from '@coffer/core';
import { join } from 'node:path';
import type { Disk } from './disk.ts';
import { diskErrorCode } from './disk.ts';
import { FileCache } from './file-cache.ts';
import type { PackRecord } from './pack-format.ts';
import { encodeRecordHeader, packHeaderBytes, payloadBytesOf, recordHeaderBytes } from './pack-format.ts';
import { PackAppender } from './pack-appender.ts';
import { makeDurable, settlePack } from './pack-tail.ts';
import type {
  Appended,
  FlushTicket,
  PackInfo,
  PackKind,
  PackName,
  PackPlace,
  PackRange,
  Packs,
  PackStore,
  PackTail,
} from './packs.ts';

export interface LocalPacksOptions {
  /** The storage folder; packs lie in `users/<account>/chunks|journal/` below it. */
  readonly path: string;
  /** A pack that has reached this size takes no more records. */
  readonly packBytes: number;
}

export interface LocalPacksDeps {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
}

/** Gathered bytes of one store above which its writers wait: a write of this size runs at the disk's full speed. */
const storeRoomBytes = 4 * MiB;

/** Stores with an open pack; of those beyond, idle ones are closed. Two for each account that is busy at a time. */
const openStoreLimit = 256;

/** Gathered bytes of all stores together: the share of packs in the 300 MiB of a busy server. */
const totalRoomBytes = 64 * MiB;

interface OpenStore {
  readonly store: PackStore;
  current: { readonly pack: string; readonly appender: PackAppender } | undefined;
  /** Full packs whose last records are not known to be durable yet. */
  readonly full: Set<PackAppender>;
}

/** {@link Packs} as files on a local filesystem, durable by group `fdatasync`. */
export class LocalPacks implements Packs {
  readonly #options: LocalPacksOptions;
  readonly #deps: LocalPacksDeps;
  readonly #stores = new Map<string, OpenStore>();
  readonly #resumable = new Map<string, { readonly pack: string; readonly at: number }>();
  readonly #files: FileCache;
  readonly #folders = new Set<string>();
  /** How often unflushed records had to be dropped; only of stores to which it happened. */
  readonly #drops = new Map<string, FlushTicket>();
  #gatheredBytes = 0;
  #wakeWaiting: (() => void) | undefined;
  #waiting: Promise<void> | undefined;

  constructor(options: LocalPacksOptions, deps: LocalPacksDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#files = new FileCache(deps.disk);
  }

  append(store: PackStore, records: readonly PackRecord[]): Appended {
    const open = this.#openStore(store);
    const ticket = this.#dropsOf(store);
    const places = records.map((record) => this.#appendRecord(open, record));
    return { places, ticket, room: this.#room(open) };
  }

  async flush(store: PackStore, ticket: FlushTicket): Promise<void> {
    const open = this.#openStore(store);
    const current = open.current?.appender;
    await Promise.all([...[...open.full].map((appender) => this.#retire(open, appender)), current?.flush()]);
    if (this.#dropsOf(store) !== ticket) throw noSpace();
    await this.#releaseIdle();
  }

  async read({ length, offset, ...name }: PackRange, into?: Uint8Array): Promise<Uint8Array> {
    const bytes = into ? into.subarray(0, length) : new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
    const got = await this.#files.read(this.#pathOf(name), bytes, offset);
    if (got === length && bytes.byteLength === length) return bytes;
    throw new CofferError('DAMAGED', `pack ${name.pack} ends before byte ${offset + length}`, {
      details: { pack: name.pack, offset },
    });
  }

  async *list(): AsyncGenerator<PackInfo, void, undefined> {
    const users = join(this.#options.path, 'users');
    for (const account of await this.#deps.disk.list(users)) {
      if (!/^[0-9a-f]{32}$/.test(account)) continue;
      for (const kind of ['chunks', 'journal'] as const) yield* this.#listStore({ owner: idFromKey(account), kind });
    }
  }

  async *#listStore(store: PackStore): AsyncGenerator<PackInfo, void, undefined> {
    for (const file of await this.#deps.disk.list(this.#folderOf(store))) {
      const pack = /^([0-9a-f]{32})\.pack$/.exec(file)?.[1];
      if (pack === undefined) continue;
      const name = { ...store, pack };
      yield { ...name, bytes: await this.#deps.disk.size(this.#pathOf(name)) };
    }
  }

  async resume(tail: PackTail): Promise<void> {
    const path = this.#pathOf(tail);
    // What is indexed was flushed: a clean end needs no disk at all, and a server may have thousands of them.
    if (tail.durableBytes !== tail.wholeBytes || tail.bytes !== tail.wholeBytes)
      await makeDurable(this.#deps.disk, path, tail);
    this.#files.forget(path);
    const used = this.#stores.get(storeKey(tail))?.current !== undefined;
    if (tail.grows && !used) this.#resumable.set(storeKey(tail), { pack: tail.pack, at: tail.wholeBytes });
  }

  async settle(name: PackName): Promise<void> {
    await settlePack(this.#deps.disk, this.#pathOf(name));
  }

  async remove(name: PackName): Promise<void> {
    const path = this.#pathOf(name);
    this.#files.forget(path);
    try {
      await this.#deps.disk.remove(path);
    } catch (cause) {
      const code = diskErrorCode(cause);
      if (code !== 'ENOENT')
        throw new CofferError('IO', `could not remove a pack (${code ?? 'unknown'})`, { cause, details: { path } });
    }
    // What was removed must not be there again after a power cut, with everything that nobody wanted any more.
    await this.#syncFolder(this.#folderOf(name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const stores = [...this.#stores.values()];
    this.#stores.clear();
    for (const { current, full } of stores) {
      for (const appender of full) await appender.close();
      await current?.appender.close();
    }
    await this.#files[Symbol.asyncDispose]();
  }

  #appendRecord(open: OpenStore, record: PackRecord): PackPlace {
    const payloadBytes = payloadBytesOf(record);
    const bytes = recordHeaderBytes + payloadBytes;
    const { pack, appender } = this.#currentPack(open, bytes);
    const offset = appender.append([encodeRecordHeader(record, payloadBytes), ...record.payload], bytes);
    return { pack, offset, bytes };
  }

  #currentPack(open: OpenStore, bytes: number): NonNullable<OpenStore['current']> {
    const current = open.current ?? this.#resumed(open);
    if (
      current &&
      (current.appender.end === packHeaderBytes || current.appender.end + bytes <= this.#options.packBytes)
    ) {
      return current;
    }
    if (current) open.full.add(current.appender);
    open.current = this.#newPack(open);
    return open.current;
  }

  /** The pack that the last run left open. */
  #resumed(open: OpenStore): OpenStore['current'] {
    const resumable = this.#resumable.get(storeKey(open.store));
    this.#resumable.delete(storeKey(open.store));
    open.current = resumable && this.#appender(open, resumable.pack, resumable.at);
    return open.current;
  }

  #newPack(open: OpenStore): NonNullable<OpenStore['current']> {
    const time = u64(Math.max(0, this.#deps.clock.nowMs())).subarray(2);
    return this.#appender(open, toHex(concatBytes(time, this.#deps.random.bytes(10))));
  }

  #appender(open: OpenStore, pack: string, resumeAt?: number): NonNullable<OpenStore['current']> {
    const { store } = open;
    const appender = new PackAppender({
      disk: this.#deps.disk,
      path: this.#pathOf({ ...store, pack }),
      prepare: () => this.#makeFolders(store),
      folder: this.#folderOf(store),
      ...(resumeAt === undefined ? {} : { resumeAt }),
      onHeld: (bytes) => this.#hold(bytes),
      onDropped: () => {
        this.#drops.set(storeKey(store), this.#dropsOf(store) + 1);
      },
    });
    return { pack, appender };
  }

  async #retire(open: OpenStore, appender: PackAppender): Promise<void> {
    await appender.flush();
    if (open.full.delete(appender)) await appender.close();
  }

  async #room(open: OpenStore): Promise<void> {
    while (this.#gatheredBytes > totalRoomBytes || (open.current?.appender.gatheredBytes ?? 0) > storeRoomBytes) {
      this.#waiting ??= new Promise((resolve) => {
        this.#wakeWaiting = resolve;
      });
      await this.#waiting;
    }
  }

  #hold(bytes: number): void {
    this.#gatheredBytes += bytes;
    if (bytes > 0) return;
    this.#wakeWaiting?.();
    this.#wakeWaiting = undefined;
    this.#waiting = undefined;
  }

  /** The most recently used stores stand last. */
  #openStore(store: PackStore): OpenStore {
    const key = storeKey(store);
    const open = this.#stores.get(key) ?? { store, current: undefined, full: new Set<PackAppender>() };
    this.#stores.delete(key);
    this.#stores.set(key, open);
    return open;
  }

  /** Thousands of accounts must not mean thousands of descriptors. */
  async #releaseIdle(): Promise<void> {
    let over = this.#stores.size - openStoreLimit;
    if (over <= 0) return;
    for (const [key, { current, full }] of this.#stores) {
      if (over <= 0) return;
      over -= 1;
      if (full.size > 0 || current?.appender.idle === false) continue;
      // Its pack stays open for the next start; until then the store begins a new one if it is needed again.
      this.#stores.delete(key);
      await current?.appender.close();
    }
  }

  #dropsOf(store: PackStore): FlushTicket {
    return this.#drops.get(storeKey(store)) ?? 0;
  }

  /** `users/<account>/<kind>/`, every new name made durable in its parent before a file is made inside. */
  async #makeFolders(store: PackStore): Promise<void> {
    const account = join(this.#options.path, 'users', idKey(store.owner));
    for (const [folder, parent] of [
      [join(this.#options.path, 'users'), this.#options.path],
      [account, join(this.#options.path, 'users')],
      [join(account, store.kind), account],
    ] as const) {
      if (this.#folders.has(folder)) continue;
      await this.#deps.disk.makeFolder(folder);
      await this.#syncFolder(parent);
      this.#folders.add(folder);
    }
  }

  /** A folder that could not be synced is final whatever the reason: a second try may wrongly succeed. */
  async #syncFolder(folder: string): Promise<void> {
    try {
      await this.#deps.disk.syncFolder(folder);
    } catch (cause) {
      throw new CofferError('IO', 'could not flush a folder of packs', { cause, details: { path: folder } });
    }
  }

  #folderOf(store: PackStore): string {
    return join(this.#options.path, 'users', idKey(store.owner), store.kind);
  }

  #pathOf(name: PackName): string {
    return join(this.#folderOf(name), `${name.pack}.pack`);
  }
}

function noSpace(): CofferError {
  return new CofferError('NO_SPACE', 'the disk of the server is full', {
    hint: 'Free space on the server, then try again.',
  });
}

function storeKey(store: { readonly owner: AccountId; readonly kind: PackKind }): string {
  return `${idKey(store.owner)}/${store.kind}`;
}
