import type { UploadedContent } from '@coffer/client';
import { equalBytes, idKey } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import type { Plan, RemoveStep, VanishedFile } from './plan.ts';
import { entryKeyOf, entryOf, parseRemoteStamp } from './remote-tree.ts';
import type { RemoteStamp, RemoteTree } from './remote-tree.ts';

/**
 * Renames that only content tells: a file whose inode is new and whose bytes are those of one that vanished (moved through
 * another filesystem, or copied and removed).
 */
export class ContentMoves {
  readonly #remote: RemoteTree;
  readonly #bySize = new Map<number, VanishedFile[]>();
  /** Claimed entries, each with the directories that held it. */
  readonly #claimed = new Map<string, ReadonlySet<string>>();

  constructor(remote: RemoteTree, plan: Plan) {
    this.#remote = remote;
    for (const file of plan.vanishedFiles) this.#add(file);
  }

  /** A vanished file with this content, once. Empty files are all alike, so they tell nothing. */
  claim(content: UploadedContent): VanishedFile | undefined {
    const files = content.size === 0 ? undefined : this.#bySize.get(content.size);
    const index = files?.findIndex(({ remote }) => this.#hasContent(entryOf(remote), content)) ?? -1;
    if (files === undefined || index < 0) return undefined;
    const [found] = files.splice(index, 1);
    if (found !== undefined) this.#claimed.set(entryKeyOf(found.remote), this.#above(entryOf(found.remote)));
    return found;
  }

  isClaimed(stamp: RemoteStamp): boolean {
    return this.#claimed.has(entryKeyOf(stamp));
  }

  /** How many files of a directory that is removed whole were moved out of it. */
  movedOutOf(step: RemoveStep): number {
    if (step.remote === undefined) return 0;
    const key = entryKeyOf(step.remote);
    return [...this.#claimed.values()].filter((above) => above.has(key)).length;
  }

  #add(file: VanishedFile): void {
    const { size } = parseRemoteStamp(file.remote);
    const files = this.#bySize.get(size);
    if (files === undefined) this.#bySize.set(size, [file]);
    else files.push(file);
  }

  #hasContent(entry: EntryId, content: UploadedContent): boolean {
    const there = this.#remote.get(entry)?.contentHash;
    return there !== undefined && equalBytes(there, content.contentHash);
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
