import type { Downloader, DownloadSink, Entry, FileTimes, Vault } from '@coffer/client';
import { CofferError } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { moveNotes, noteBookkeeping } from './base-notes.ts';
import type { BaseNote } from './base-notes.ts';
import { noBase } from './base.ts';
import type { BaseWriter } from './base.ts';
import { joinPath } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';
import type { OnConflict } from './conflict.ts';
import { DirectoryEntries } from './directory-entries.ts';
import { downloadEntry } from './download-entry.ts';
import { failureOfOnePath } from './file-failures.ts';
import { FolderAttributes } from './lay-down/folder-attributes.ts';
import type { Folder } from './lay-down/folder.ts';
import { layFile } from './lay-down/lay-file.ts';
import type { FileToLay, LayFileDeps, LayOutcome } from './lay-down/lay-file.ts';
import { layLink } from './lay-down/lay-link.ts';
import { freeName, isLikeName, takenByLikeName } from './lay-down/free-name.ts';
import type { ConflictName } from './lay-down/free-name.ts';
import type { HeldFolder, OpenFolders } from './lay-down/open-folders.ts';
import type {
  AttributesStep,
  FetchStep,
  LinkStep,
  MakeDirectoryStep,
  MoveStep,
  Plan,
  RemoveStep,
  SetAsideStep,
  Step,
} from './plan.ts';
import { pathIn, placePath } from './place.ts';
import type { Place } from './place.ts';
import type { ProgressMeter } from './progress.ts';
import { entryOf, parseRemoteStamp, sizeOf } from './remote-tree.ts';
import type { RemoteStamp, RemoteTree } from './remote-tree.ts';
import type { ReportDraft } from './report.ts';
import { runLanes } from './run-lanes.ts';
import { SettledNotes } from './settled-notes.ts';
import { trustedStamp } from './fresh.ts';
import type { TemporaryNames } from './temporary-name.ts';
import { elsewhere, untrusted } from './stamp.ts';
import type { Stamp } from './stamp.ts';

export interface PullExecutorDeps {
  readonly vault: Vault;
  readonly remote: RemoteTree;
  readonly folders: OpenFolders;
  readonly base: BaseWriter;
  readonly clock: Clock;
  readonly temporaryNames: TemporaryNames;
  readonly times: FileTimes;
  readonly report: ReportDraft;
  readonly progress: ProgressMeter;
  /** Resolves when everything written to the folder is on stable storage. */
  readonly settle: () => Promise<unknown>;
  readonly conflictName: ConflictName;
  /** Replace what is there without keeping both. */
  readonly overwrite: boolean;
  readonly onConflict?: OnConflict;
  /**
   * Told what cannot be laid down under its name because this filesystem takes the name for another one that is there; without
   * it such a thing is laid down under a conflict name (two-way).
   */
  readonly onLikeName?: (collision: LikeName) => void;
}

/** An entry of the vault that needs another name to be laid down here. */
export interface LikeName {
  readonly parent: Place;
  readonly name: ByteName;
  readonly remote: RemoteStamp;
  readonly newName: ByteName;
}

/** Carries out a plan for pull. Answers whether all of it could be done. */
export async function executePull(deps: PullExecutorDeps, plan: Plan, signal?: AbortSignal): Promise<boolean> {
  // What is taken for the vault's file may have been laid down by a run that was killed before its bytes were safe.
  if (plan.bookkeeping.some(({ action }) => action === 'remember')) await deps.settle();
  noteBookkeeping(deps.base, plan.bookkeeping);
  deps.base.save();
  const { structure, contents, removals, directories } = plan;
  if (structure.length + contents.length + removals.length + directories.length === 0) return true;
  await using resources = new AsyncDisposableStack();
  const fetches = contents.some(({ action }) => action === 'fetch');
  const downloader = fetches ? resources.use(await deps.vault.downloader()) : undefined;
  const executor = new PullExecutor(deps, downloader);
  try {
    await executor.run(plan, signal);
  } finally {
    deps.report.counts.bytesReceived += downloader?.progress.bytesReceived ?? 0;
  }
  return executor.complete;
}

class PullExecutor {
  readonly #deps: PullExecutorDeps;
  readonly #layDeps: LayFileDeps;
  readonly #downloader: Downloader | undefined;
  readonly #notes: SettledNotes;
  readonly #attributesOf: FolderAttributes;
  readonly #entries: DirectoryEntries;
  /** What this run renamed: its stamp in the plan, and the one that the rename gave it. */
  readonly #renamed = new Map<Stamp, Stamp>();
  /** Directories that wait for another name. */
  readonly #likeNamed = new Set<Place>();
  #failed = 0;
  #skipped = 0;
  #unsettled = false;

  constructor(deps: PullExecutorDeps, downloader: Downloader | undefined) {
    this.#deps = deps;
    this.#layDeps = { ...deps, refuseOtherNames: deps.onLikeName !== undefined };
    this.#downloader = downloader;
    this.#notes = new SettledNotes(deps.base, deps.settle);
    this.#attributesOf = new FolderAttributes(deps);
    this.#entries = new DirectoryEntries(deps.remote);
  }

  get complete(): boolean {
    return this.#failed + this.#skipped === 0;
  }

  /** Also after a failure or Ctrl-C what was laid down is remembered, and directories get their times back. */
  async run(plan: Plan, signal: AbortSignal | undefined): Promise<void> {
    const failures: unknown[] = [];
    for (const part of [() => this.#steps(plan, signal), () => this.#finish(plan.directories)]) {
      try {
        await part();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  async #steps({ structure, contents, removals }: Plan, signal: AbortSignal | undefined): Promise<void> {
    for (const step of structure) await this.#attempt(step, () => this.#structure(step), signal);
    const work = (step: Plan['contents'][number]): Promise<void> =>
      this.#attempt(step, () => this.#content(step, signal), signal);
    await runLanes(contents, { lanes: this.#downloader?.parallel ?? 1, work }, signal);
    this.#deps.progress.enter('finishing');
    for (const step of removals) await this.#attempt(step, () => this.#remove(step), signal);
  }

  async #finish(directories: readonly AttributesStep[]): Promise<void> {
    await this.#finishDirectories(directories);
    await this.#notes.finish();
    if (this.#unsettled) await this.#deps.settle();
  }

  /** One path that fails is reported, and the rest goes on. */
  async #attempt(step: Step, work: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    try {
      await work();
    } catch (error) {
      signal?.throwIfAborted();
      const failure = failureOfOnePath(error);
      this.#failed += 1;
      if (!this.#isLikeName(step, failure) && !this.#isInLikeNamed(step.parent))
        this.#deps.report.fail(pathIn(step), failure);
    }
  }

  /** Told, not reported, where somebody can do something about it. */
  #isLikeName(step: Step, failure: CofferError): boolean {
    const { onLikeName, folders, conflictName } = this.#deps;
    const { parent, name } = step;
    if (!isLikeName(failure) || onLikeName === undefined || !('remote' in step) || step.remote === undefined)
      return false;
    const folder = folders.now(parent.local);
    const newName = conflictName(name, (other) => folder.look(other) !== undefined);
    onLikeName({ parent, name, remote: step.remote, newName });
    if (step.action === 'make-directory') this.#likeNamed.add(step.place);
    return true;
  }

  /** What is in it comes down when it has its other name. */
  #isInLikeNamed(place: Place): boolean {
    for (let at: Place | undefined = place; at !== undefined; at = at.parent) if (this.#likeNamed.has(at)) return true;
    return false;
  }

  async #structure(step: MakeDirectoryStep | MoveStep | SetAsideStep): Promise<void> {
    switch (step.action) {
      case 'make-directory':
        return this.#makeDirectory(step);
      case 'move':
        return this.#move(step);
      case 'set-aside':
        return this.#setAside(step);
    }
  }

  async #makeDirectory({ parent, name, place, remote }: MakeDirectoryStep): Promise<void> {
    if (remote === undefined) throw new TypeError('a directory that is not in the vault');
    const localName = await this.#in(parent, async (folder) => {
      const free = freeName(folder, name, this.#deps.conflictName);
      if (free !== name && this.#deps.onLikeName !== undefined) throw takenByLikeName();
      folder.make(free);
      return free;
    });
    place.local = { parent: parent.local, name: localName };
    if (localName === name) return this.#attributesOf.want(place, remote);
    await this.#note({ kind: 'remember', at: { parent, name }, item: { place, local: elsewhere, remote } });
  }

  async #move(step: MoveStep): Promise<void> {
    const { parent, name, from, local, remote, place, leaves } = step;
    const { folders } = this.#deps;
    const stamp = await folders.with(from.parent, (source) =>
      this.#in(parent, async (target) => {
        expectStamp(source, { name: from.name, stamp: local });
        if (target.look(name) !== undefined)
          throw new CofferError('EXISTS', 'something of its new name is there already');
        if (leaves !== undefined) this.#attributesOf.touch(leaves, source);
        source.rename(from.name, target, name);
        return target.look(name)?.stamp;
      }),
    );
    from.parent = parent.local;
    from.name = name;
    if (stamp !== undefined && place === undefined) this.#renamed.set(local, stamp);
    this.#deps.report.counts.moved += 1;
    const item = step.remember && stamp !== undefined ? { place, local: stamp, remote, ...step.agreed } : undefined;
    for (const noted of moveNotes(step, item)) await this.#note(noted);
  }

  async #setAside(step: SetAsideStep): Promise<void> {
    const { parent, name, newName, from, local, hasBase } = step;
    if (from === undefined || local === undefined) throw new TypeError('nothing to set aside');
    await this.#in(parent, async (folder) => {
      if (folder.look(newName) !== undefined) throw new CofferError('EXISTS', 'the name for the conflict is taken');
      folder.rename(name, folder, newName);
    });
    from.name = newName;
    if (step.isConflict) this.#noteConflict(step, newName);
    if (hasBase && parent.base !== undefined) {
      await this.#note({ kind: 'drop', from: { directory: parent.base, name } });
    }
  }

  async #content(step: Plan['contents'][number], signal: AbortSignal | undefined): Promise<void> {
    switch (step.action) {
      case 'fetch':
        return this.#fetch(step, signal);
      case 'link':
        return this.#link(step);
      case 'attributes':
        return this.#attributes(step);
      case 'upload':
        throw new TypeError('a pull uploads nothing');
    }
  }

  async #fetch(step: FetchStep, signal: AbortSignal | undefined): Promise<void> {
    const { progress } = this.#deps;
    const size = sizeOf(step.remote);
    let counted = 0;
    const count = (bytes: number): void => {
      counted += bytes;
      progress.bytes(bytes);
    };
    try {
      await this.#lay(step, count, signal);
    } finally {
      progress.file(Math.max(0, size - counted));
    }
  }

  async #lay(step: FetchStep, count: (bytes: number) => void, signal: AbortSignal | undefined): Promise<void> {
    const { name, remote, local, keepBoth } = step;
    // Before anything is fetched for nothing.
    if (step.parent.local === undefined) throw new CofferError('NOT_FOUND', 'its directory could not be made');
    const { counts } = this.#deps.report;
    const entry = this.#entry(step.parent, remote);
    const { size, mtime, mode } = entry;
    const fetch: FileToLay['fetch'] = async ({ sink, place }, stop) => {
      const counting: DownloadSink = (offset, bytes) => {
        count(bytes.byteLength);
        return sink(offset, bytes);
      };
      const { vault } = this.#deps;
      return downloadEntry({ vault, downloader: this.#open(), entry, target: { sink: counting, place } }, stop);
    };
    const file = {
      name,
      size,
      mtime,
      mode,
      expected: this.#now(local),
      keepBoth,
      overwrite: this.#deps.overwrite,
      fetch,
    };
    const onLaid = ({ name: laidAs, stamp }: LayOutcome): Promise<void> => this.#learn(step, { laidAs, stamp, remote });
    const hold = (): HeldFolder => this.#hold(step.parent);
    const { kind, keptAs } = await layFile(this.#layDeps, { ...file, onLaid, hold }, signal);
    if (kind === 'conflict') counts.conflicts += 1;
    if (keptAs !== undefined) this.#noteConflict(step, keptAs);
    if (kind === 'same') counts.unchanged += 1;
    else if (local === undefined) counts.received += 1;
    else counts.receivedModified += 1;
  }

  async #link(step: LinkStep): Promise<void> {
    const { parent, name, local, remote } = step;
    if (remote === undefined) throw new TypeError('a link that is not in the vault');
    const { target, mtime } = this.#entry(parent, remote);
    if (target === undefined) throw new CofferError('INVALID', 'the link has no target');
    await this.#in(parent, async (folder) => {
      const { overwrite, report } = this.#deps;
      const outcome = layLink(this.#layDeps, { folder, name, target, mtime, expected: this.#now(local), overwrite });
      if (outcome.keptAs !== undefined) {
        report.counts.conflicts += 1;
        this.#noteConflict(step, outcome.keptAs);
      }
      await this.#learn(step, { laidAs: outcome.name, stamp: folder.look(outcome.name)?.stamp, remote });
    });
  }

  async #attributes(step: AttributesStep): Promise<void> {
    const { parent, name, local, remote, remember } = step;
    const { mtime, mode, kind } = parseRemoteStamp(remote);
    await this.#in(parent, async (folder) => {
      const there = folder.look(name);
      // Changed since the scan: the next run looks at it again.
      if (there === undefined || !isMoved(there.stamp, local)) {
        this.#skipped += 1;
        return;
      }
      if (kind === 'symlink') folder.setLinkTimes(name, { mtime, times: this.#deps.times });
      else folder.setAttributes(name, { mode, mtime, times: this.#deps.times });
      if (remember) await this.#learn(step, { laidAs: name, stamp: folder.look(name)?.stamp, remote });
    });
  }

  /** The stamp that a file of the plan bears by now, when nobody else touched it. */
  #now(planned: Stamp | undefined): Stamp | undefined {
    return planned === undefined ? undefined : (this.#renamed.get(planned) ?? planned);
  }

  async #remove({ parent, from, local, fromBase, files }: RemoveStep): Promise<void> {
    if (from === undefined || local === undefined) throw new TypeError('nothing to remove');
    const { folders, report } = this.#deps;
    await folders.with(from.parent, async (folder) => {
      const there = folder.look(from.name);
      if (there?.kind === 'directory') {
        folder.rmdir(from.name);
      } else if (there !== undefined) {
        if (!isMoved(there.stamp, local)) throw new CofferError('CONFLICT', 'it was changed in the meantime and stays');
        folder.unlink(from.name);
        report.counts.receivedRemoved += files;
      }
      this.#attributesOf.touch(parent, folder);
    });
    if (fromBase !== undefined) await this.#note({ kind: 'forget', from: fromBase });
  }

  async #finishDirectories(steps: readonly AttributesStep[]): Promise<void> {
    for (const { place, remote } of steps) if (place !== undefined) this.#attributesOf.want(place, remote);
    for (const { place, remote, local, error } of this.#attributesOf.apply()) {
      if (error !== undefined) {
        this.#failed += 1;
        this.#deps.report.fail(placePath(place), error);
      } else if (local !== undefined && place.parent !== undefined) {
        const { parent, name } = place;
        await this.#note({ kind: 'remember', at: { parent, name }, item: { place, local, remote } });
      }
    }
  }

  #noteConflict(step: Step, keptAs: ByteName): void {
    this.#deps.onConflict?.({ path: pathIn(step), copy: joinPath(placePath(step.parent), keptAs), mine: 'copy' });
  }

  /** The base learns what now lies there; of what got another name, that it is not to be looked for here. */
  async #learn(
    { parent, name }: Step,
    {
      laidAs,
      stamp,
      remote,
    }: { readonly laidAs: ByteName; readonly stamp: Stamp | undefined; readonly remote: RemoteStamp },
  ): Promise<void> {
    if (stamp === undefined && this.#deps.base !== noBase) {
      this.#skipped += 1;
      return;
    }
    const local = laidAs === name ? trustedStamp(stamp ?? untrusted, this.#deps.clock.nowMs()) : elsewhere;
    await this.#note({ kind: 'remember', at: { parent, name }, item: { place: undefined, local, remote } });
  }

  /** Without a base there is nothing to tell it, and one sync of the disk at the end is enough. */
  async #note(noted: BaseNote): Promise<void> {
    if (this.#deps.base === noBase) this.#unsettled = true;
    else await this.#notes.add(noted);
  }

  /** In the directory of a step, which gets its times back at the end. */
  async #in<Result>(parent: Place, use: (folder: Folder) => Promise<Result>): Promise<Result> {
    const { folder, release } = this.#hold(parent);
    try {
      return await use(folder);
    } finally {
      release();
    }
  }

  #hold(parent: Place): HeldFolder {
    if (parent.local === undefined) throw new CofferError('NOT_FOUND', 'its directory could not be made');
    const held = this.#deps.folders.hold(parent.local);
    try {
      this.#attributesOf.touch(parent, held.folder);
      return held;
    } catch (error) {
      held.release();
      throw error;
    }
  }

  #entry(parent: Place, remote: RemoteStamp): Entry {
    const entry = this.#entries.find(parent.entry, entryOf(remote));
    if (entry === undefined) throw new CofferError('NOT_FOUND', 'it is no longer in the vault');
    return entry;
  }

  #open(): Downloader {
    if (this.#downloader === undefined) throw new TypeError('no downloader was opened');
    return this.#downloader;
  }
}

/** A rename changes the ctime; everything else must be as it was. */
function isMoved(there: Stamp, scanned: Stamp): boolean {
  return withoutChangeTime(there) === withoutChangeTime(scanned);
}

function withoutChangeTime(stamp: Stamp): string {
  const [size, mtime, , inode, mode] = stamp.split(':');
  return `${size}:${mtime}:${inode}:${mode}`;
}

function expectStamp(folder: Folder, { name, stamp }: { name: ByteName; stamp: Stamp }): void {
  const there = folder.look(name);
  // A directory's stamp may have changed by what this run did inside it.
  if (there === undefined || (there.kind !== 'directory' && !isMoved(there.stamp, stamp))) {
    throw new CofferError('CONFLICT', 'it was changed in the meantime');
  }
}
