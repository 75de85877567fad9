import type { UploadedContent } from '@coffer/client';
import { equalBytes, idKey, toHex } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import type { Plan, RemoveStep, VanishedFile } from './plan.ts';
import { entryKeyOf, entryOf, sizeOf } from './remote-tree.ts';
import type { RemoteStamp, RemoteTree } from './remote-tree.ts';

/**
 * Renames that only content tells: a file whose inode is new and whose bytes are those of one that vanished (moved through
 * another filesystem, or copied and removed).
 */
export class ContentMoves {
  readonly #remote: RemoteTree;
  readonly #bySize = new Map<number, VanishedFile[]>();
  /** By content, of the sizes that were asked for: the vault is asked once for each file, not for each pair of two. */
  readonly #byContent = new Map<number, Map<string, VanishedFile[]>>();
  readonly #claimed = new Set<string>();
  /** How many claimed files each directory held, at any depth. */
  readonly #claimedBelow = new Map<string, number>();

  constructor(remote: RemoteTree, plan: Plan) {
    this.#remote = remote;
    for (const file of plan.vanishedFiles) addTo(this.#bySize, sizeOf(file.remote), file);
  }

  /** A vanished file with this content, once. Empty files are all alike, so they tell nothing. */
  claim({ size, contentHash }: UploadedContent): VanishedFile | undefined {
    if (size === 0 || !this.#bySize.has(size)) return undefined;
    const alike = this.#ofSize(size).get(toHex(contentHash)) ?? [];
    for (let found = alike.shift(); found !== undefined; found = alike.shift()) {
      // Another device may have changed it since the vault was asked.
      const now = this.#remote.get(entryOf(found.remote))?.contentHash;
      if (now === undefined || !equalBytes(now, contentHash)) continue;
      this.#note(found);
      return found;
    }
    return undefined;
  }

  isClaimed(stamp: RemoteStamp): boolean {
    return this.#claimed.has(entryKeyOf(stamp));
  }

  /** How many files of a directory that is removed whole were moved out of it. */
  movedOutOf(step: RemoveStep): number {
    return step.remote === undefined ? 0 : (this.#claimedBelow.get(entryKeyOf(step.remote)) ?? 0);
  }

  #ofSize(size: number): Map<string, VanishedFile[]> {
    const known = this.#byContent.get(size);
    if (known !== undefined) return known;
    const made = new Map<string, VanishedFile[]>();
    for (const file of this.#bySize.get(size) ?? []) {
      const hash = this.#remote.get(entryOf(file.remote))?.contentHash;
      if (hash !== undefined) addTo(made, toHex(hash), file);
    }
    this.#byContent.set(size, made);
    return made;
  }

  #note({ remote }: VanishedFile): void {
    this.#claimed.add(entryKeyOf(remote));
    for (const above of this.#above(entryOf(remote)))
      this.#claimedBelow.set(above, (this.#claimedBelow.get(above) ?? 0) + 1);
  }

  #above(entry: EntryId): ReadonlySet<string> {
    const above = new Set<string>();
    for (
      let at = this.#remote.get(entry);
      at !== undefined && !above.has(idKey(at.parent));
      at = this.#remote.get(at.parent)
    ) {
      above.add(idKey(at.parent));
    }
    return above;
  }
}

function addTo<Key>(lists: Map<Key, VanishedFile[]>, key: Key, file: VanishedFile): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [file]);
  else list.push(file);
}
