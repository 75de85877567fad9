import { openAccount, Profile } from '@coffer/client';
import type { Downloader, Entry, TreeReader, Vault } from '@coffer/client';
import { createHash } from 'node:crypto';
import { toHex } from '@coffer/core';
import type { Coffer } from '../../src/index.ts';
import type { Snapshot } from './restless-folder.ts';

/** Bytes read at once, at most, so that a vault of any size fits in memory. */
const filesAtOnce = 16;

/** Reads a vault as it was at any moment, over the network, on a device of its own. */
export class ReadBack implements AsyncDisposable {
  readonly #owned = new AsyncDisposableStack();
  readonly #vault: Vault;
  readonly #downloader: Downloader;
  /** SHA-256 by content hash: equal content is fetched once. */
  readonly #hashes = new Map<string, Promise<string>>();

  private constructor(vault: Vault, downloader: Downloader, owned: AsyncDisposableStack) {
    this.#vault = vault;
    this.#downloader = downloader;
    this.#owned = owned;
  }

  static async open(device: Coffer): Promise<ReadBack> {
    await using building = new AsyncDisposableStack();
    const profile = Profile.open({ home: device.home, name: 'default' });
    const account = building.use(
      await openAccount({ profile, unlock: () => Promise.reject(new Error('no password')) }),
    );
    const vault = await account.home();
    await vault.pull();
    const downloader = building.use(await vault.downloader());
    return new ReadBack(vault, downloader, building.move());
  }

  /** Contents that were fetched and checked. */
  get contents(): number {
    return this.#hashes.size;
  }

  /** What stood below a path at a moment. @throws what a download throws */
  async at(timeMs: number, path: string): Promise<Snapshot> {
    const tree = this.#vault.tree.at(timeMs);
    const entries = belowPath(tree, path);
    const found = new Map<string, string>();
    for (let from = 0; from < entries.length; from += filesAtOnce) {
      const some = entries.slice(from, from + filesAtOnce);
      await Promise.all(some.map(async ({ name, entry }) => found.set(name, await this.#described(entry))));
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }

  #described(entry: Entry): Promise<string> {
    if (entry.kind === 'symlink') return Promise.resolve(`link ${String(entry.target)}`);
    const key = toHex(entry.contentHash ?? new Uint8Array(0));
    const known = this.#hashes.get(key) ?? this.#hash(entry);
    this.#hashes.set(key, known);
    return known;
  }

  async #hash(entry: Entry): Promise<string> {
    const hash = createHash('sha256');
    let at = 0;
    await this.#downloader.download(entry.content, (offset, bytes) => {
      hash.update(new Uint8Array(offset - at)).update(bytes);
      at = offset + bytes.byteLength;
    });
    return hash.update(new Uint8Array(entry.size - at)).digest('hex');
  }
}

function belowPath(tree: TreeReader, path: string): { readonly name: string; readonly entry: Entry }[] {
  const top = tree.lookup(path);
  if (top === undefined) return [];
  return [...tree.walk(top.entry)]
    .filter(({ entry }) => entry.kind !== 'directory')
    .map((walked) => ({ name: walked.path.map(String).join('/'), entry: walked.entry }));
}
