import { CofferError, equalBytes, idKey, timestampFromMs } from '@coffer/core';
import type { Clock, EntryId } from '@coffer/core';
import { copyEntry, displayName, undeleteEntry } from '@coffer/client';
import type { CommitBatch, CommitBatchOptions, Entry, EntryName, TreeReader, Vault, WalkedEntry } from '@coffer/client';
import { treeWith } from './tree-with.ts';
import type { Undo } from './undo-stack.ts';

export interface FileActionsDeps {
  readonly vault: Vault;
  readonly clock: Clock;
  /** The vault was changed by this program. */
  readonly onChanged: () => void;
}

/** Something that was removed, where it was, and the position at which it went. */
export interface RemovedPlace {
  readonly entry: Entry;
  readonly path: readonly EntryName[];
  readonly removedSeq: number;
}

/** Modes of what is made by hand, as under the usual umask. */
const folderMode = 0o755;
const fileMode = 0o644;

/** Changes to the tree of a vault, each in one commit, each with the way back. @throws what the batch throws; EXISTS, INVALID, CONFLICT */
export class FileActions {
  readonly #deps: FileActionsDeps;

  constructor(deps: FileActionsDeps) {
    this.#deps = deps;
  }

  get #tree(): TreeReader {
    return this.#deps.vault.tree;
  }

  /** Why a name cannot be taken in a folder; undefined when it can. */
  nameTaken(parent: EntryId, name: EntryName): string | undefined {
    return this.#tree.child(parent, name) === undefined ? undefined : `${displayName(name)} is there already`;
  }

  async makeFolder(parent: EntryId, name: string, signal: AbortSignal): Promise<Undo> {
    this.#requireFree(parent, name);
    let made: EntryId | undefined;
    await this.#commit({}, signal, async (batch) => {
      made = await batch.makeDirectory({ parent, name, mtime: this.#now(), mode: folderMode }, signal);
    });
    return this.#undoMade(made === undefined ? [] : [made], `made ${name}/`);
  }

  /** A new empty file. */
  async makeFile(parent: EntryId, name: string, signal: AbortSignal): Promise<Undo> {
    this.#requireFree(parent, name);
    await using uploader = await this.#deps.vault.uploader({ lanes: 1 });
    const content = await uploader.uploadStream(nothing(), signal);
    let made: EntryId | undefined;
    await this.#commit({ uploader }, signal, async (batch) => {
      made = await batch.putFile({ parent, name, content, mtime: this.#now(), mode: fileMode }, signal);
    });
    return this.#undoMade(made === undefined ? [] : [made], `made ${name}`);
  }

  async rename(entry: Entry, name: string, signal: AbortSignal): Promise<Undo> {
    this.#requireFree(entry.parent, name);
    const { parent, name: before } = entry;
    await this.#commit({}, signal, (batch) => batch.move(entry.entry, { parent, name }, signal));
    return {
      text: `renamed ${displayName(before)} to ${name}`,
      run: (stop) => this.#commit({}, stop, (batch) => batch.move(entry.entry, { parent, name: before }, stop)),
    };
  }

  async move(entries: readonly Entry[], parent: EntryId, signal: AbortSignal): Promise<Undo> {
    for (const entry of entries) {
      if (equalBytes(entry.parent, parent))
        throw new CofferError('INVALID', `${displayName(entry.name)} is here already`);
      this.#requireOutside(entry, parent);
      this.#requireFree(parent, entry.name);
    }
    const places = entries.map((entry) => ({ entry: entry.entry, parent: entry.parent, name: entry.name }));
    await this.#commit({}, signal, async (batch) => {
      for (const { entry, name } of places) await batch.move(entry, { parent, name }, signal);
    });
    return {
      text: `moved ${entries.length}`,
      run: (stop) =>
        this.#commit({}, stop, async (batch) => {
          for (const { entry, ...place } of places) await batch.move(entry, place, stop);
        }),
    };
  }

  /** Copies refer to the same content: nothing is sent. What has a name that is taken gets another one. */
  async copy(entries: readonly Entry[], parent: EntryId, signal: AbortSignal): Promise<Undo> {
    const made: EntryId[] = [];
    await this.#commit({}, signal, async (batch) => {
      const taken = new Set<string>();
      for (const source of entries) {
        const name = this.#freeName(parent, source.name, taken);
        const copied = await copyEntry({ tree: this.#tree, batch, source, to: { parent, name } }, signal);
        made.push(copied.entry);
      }
    });
    return this.#undoMade(made, `copied ${entries.length}`);
  }

  /** Removes entries with all below; they stay in the trash as long as the policy says. */
  async trash(entries: readonly Entry[], signal: AbortSignal): Promise<Undo> {
    this.#requireUnshared(entries.map(({ entry }) => entry));
    const ids = entries.map(({ entry }) => entry);
    const places = entries.map(({ entry, parent, name, seq }) => ({ entry, to: { parent, name, seq } }));
    await this.#commit({}, signal, (batch) => batch.remove(ids, signal));
    return {
      text: `moved ${entries.length} to the trash`,
      run: (stop) =>
        this.#commit({}, stop, async (batch) => {
          for (const { entry, to } of places) await batch.undelete(entry, to, stop);
        }),
    };
  }

  /** Removes entries and has all versions of their files destroyed, which takes seven days. */
  async destroy(entries: readonly Entry[], signal: AbortSignal): Promise<void> {
    const { vault, clock } = this.#deps;
    this.#requireUnshared(entries.map(({ entry }) => entry));
    const files = entries.flatMap((entry) => filesBelow(this.#tree, entry));
    const live = entries.filter(({ entry }) => this.#tree.get(entry) !== undefined).map(({ entry }) => entry);
    if (live.length > 0) await this.#commit({}, signal, (batch) => batch.remove(live, signal));
    for (const file of files) {
      const versions = vault.history.versions(file, clock.nowMs()).filter(({ state }) => state !== 'expired');
      await vault.history.purge(
        file,
        versions.map(({ version }) => version.seq),
        signal,
      );
    }
    this.#deps.onChanged();
  }

  /** Brings removed entries back to where they were, and folders above them that are missing. */
  async restoreRemoved(removed: readonly RemovedPlace[], signal: AbortSignal): Promise<Undo> {
    const nowMs = this.#deps.clock.nowMs();
    await this.#commit({}, signal, async (batch) => {
      for (const { path, removedSeq } of removed) {
        const was = this.#tree.atSeq(removedSeq - 1);
        await undeleteEntry({ batch, now: this.#tree, was, names: path, nowMs }, signal);
      }
    });
    return this.#undoMade(
      removed.map(({ entry }) => entry.entry),
      `restored ${removed.length}`,
    );
  }

  #now() {
    return timestampFromMs(this.#deps.clock.nowMs());
  }

  /** What was put into it since, or changed, goes with it: that is not what was made here, and has to be agreed to. */
  #undoMade(made: readonly EntryId[], text: string): Undo {
    const madeSeq = this.#tree.seq;
    return {
      text,
      takesAlong: () => made.flatMap((entry) => this.#changedSince(entry, madeSeq) ?? []),
      run: async (stop) => {
        this.#requireUnshared(made);
        await this.#commit({}, stop, (batch) => batch.remove(made, stop));
      },
    };
  }

  /** The entry when it, or anything below it, is not what it was. */
  #changedSince(entry: EntryId, seq: number): Entry | undefined {
    const now = this.#tree.get(entry);
    if (now === undefined || this.#tree.seq === seq) return undefined;
    const [is, was] = [this.#tree, this.#tree.atSeq(seq)].map((tree) => [...tree.walk(entry)].map(versionOf));
    return is?.join() === was?.join() ? undefined : now;
  }

  #requireFree(parent: EntryId, name: EntryName): void {
    const taken = this.nameTaken(parent, name);
    if (taken !== undefined)
      throw new CofferError('EXISTS', taken, { hint: 'Choose another name, or move it away first.' });
  }

  /** Removing a mount would leave the others with a share that its owner no longer sees. */
  #requireUnshared(entries: readonly EntryId[]): void {
    for (const entry of entries) {
      const top = this.#tree.get(entry);
      if (top === undefined) continue;
      for (const below of this.#tree.walk(entry)) if (below.entry.kind === 'mount') throw stillShared(top);
    }
  }

  #requireOutside(entry: Entry, parent: EntryId): void {
    let at = this.#tree.get(parent);
    while (at !== undefined && at.name !== '') {
      if (equalBytes(at.entry, entry.entry))
        throw new CofferError('INVALID', `${displayName(entry.name)} cannot be moved into itself`);
      at = this.#tree.get(at.parent);
    }
  }

  /** `name copy`, `name copy 2`, in front of the extension. */
  #freeName(parent: EntryId, wanted: EntryName, taken: Set<string>): EntryName {
    const isFree = (name: EntryName): boolean =>
      this.#tree.child(parent, name) === undefined && !taken.has(displayName(name));
    const shown = displayName(wanted);
    const [, stem = shown, extension = ''] = /^(.+?)(\.[^.]{1,16})?$/s.exec(shown) ?? [];
    let name: EntryName = wanted;
    for (let number = 1; !isFree(name); number += 1)
      name = `${stem} copy${number === 1 ? '' : ` ${number}`}${extension}`;
    taken.add(displayName(name));
    return name;
  }

  async #commit(
    options: CommitBatchOptions,
    signal: AbortSignal,
    fill: (batch: CommitBatch) => Promise<unknown>,
  ): Promise<void> {
    await using batch = this.#deps.vault.batch(options);
    await fill(batch);
    const reports = await batch.commit(signal);
    this.#deps.onChanged();
    const refused = reports.flatMap((report) => report.refused)[0];
    if (refused === undefined) return;
    if (refused.error.code !== 'CONFLICT') throw refused.error;
    throw new CofferError('CONFLICT', 'another device changed the same entry at the same moment', {
      hint: 'The list shows what it is now: try again.',
      cause: refused.error,
    });
  }
}

/** Of what is in the trash those that went with it. */
function filesBelow(tree: TreeReader, entry: Entry): readonly EntryId[] {
  if (entry.kind === 'file') return [entry.entry];
  return [...treeWith(tree, entry.entry).walk(entry.entry)]
    .filter((one) => one.entry.kind === 'file')
    .map((one) => one.entry.entry);
}

/** Where it is, what it is called, and its version. */
function versionOf({ entry: { entry, parent, name, seq } }: WalkedEntry): string {
  return JSON.stringify([idKey(entry), idKey(parent), displayName(name), seq]);
}

function stillShared({ name }: Entry): CofferError {
  return new CofferError('INVALID', `${displayName(name)} is shared, or holds what is shared`, {
    hint: 'Take it back first: 4 shows shares, d takes one back.',
  });
}

// oxlint-disable-next-line require-yield -- the empty content of a new file
async function* nothing(): AsyncGenerator<Uint8Array> {}
