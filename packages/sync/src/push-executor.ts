import { attributesFrom, attributesOf, matches, parentEntry, placementOf } from './push-operands.ts';
import type { Uploader, UploadedContent, Vault } from '@coffer/client';
import { equalBytes, isCofferError } from '@coffer/core';
import type { Clock, DeviceId, EntryId } from '@coffer/core';
import { moveNotes, noteBookkeeping } from './base-notes.ts';
import type { NotedItem } from './base-notes.ts';
import type { BaseWriter } from './base.ts';
import { joinPath, toEntryName, toFsPath } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';
import type { OnConflict } from './conflict.ts';
import { ContentMoves } from './content-moves.ts';
import { failureOfOnePath } from './file-failures.ts';
import { restNeededMs, trustedStamp } from './fresh.ts';
import type { LocalTree } from './local-tree.ts';
import type {
  AttributesStep,
  LinkStep,
  MakeDirectoryStep,
  MoveStep,
  Plan,
  RemoveStep,
  SetAsideStep,
  Step,
  UploadStep,
} from './plan.ts';
import { localPath, pathIn, placePath } from './place.ts';
import type { Place } from './place.ts';
import type { ProgressMeter } from './progress.ts';
import { PushCommits } from './push-commits.ts';
import type { PushCommitsDeps } from './push-commits.ts';
import { PushGuard } from './push-guard.ts';
import { entryOf, makeRemoteStamp, parseRemoteStamp } from './remote-tree.ts';
import type { RemoteStamp, RemoteStampFields, RemoteTree } from './remote-tree.ts';
import type { ReportDraft } from './report.ts';
import { runLanes } from './run-lanes.ts';
import { shortOfQuota } from './short-of-quota.ts';
import { sizeIn, untrusted } from './stamp.ts';
import type { Stamp } from './stamp.ts';

export interface PushExecutorDeps {
  readonly vault: Vault;
  readonly remote: RemoteTree;
  readonly local: LocalTree & { absolute(path: ByteName): ByteName };
  readonly base: BaseWriter;
  readonly clock: Clock;
  readonly report: ReportDraft;
  readonly progress: ProgressMeter;
  /** Versions of this device are no conflict when nothing is known about them. */
  readonly device: DeviceId | undefined;
  /** Refuse what another device touched in the meantime, instead of making a newer version (two-way). */
  readonly isCareful?: boolean;
  readonly onConflict?: OnConflict;
}

/** What a push came to, beside its report. */
export interface PushResult {
  /** Operations that another device's change made impossible: plan again. */
  readonly refused: number;
  /** Position that the base now agrees with; undefined when it does not agree with any. */
  readonly agreesWithSeq: number | undefined;
}

/** From here a tree of small files keeps a second upload lane busy (SYNC §Pipeline *Execute*). */
const filesForTwoLanes = 64;

/** Entries in one operation that removes: far below the limits of a commit. */
const removalsAtOnce = 256;

/** Carries out a plan for push: directories and renames, then content in parallel, then removals, all in ordered commits. */
export async function executePush(deps: PushExecutorDeps, plan: Plan, signal?: AbortSignal): Promise<PushResult> {
  noteBookkeeping(deps.base, plan.bookkeeping);
  deps.base.save();
  if (plan.structure.length + plan.contents.length + plan.removals.length === 0) {
    return { refused: 0, agreesWithSeq: plan.complete ? deps.vault.tree.seq : undefined };
  }
  await using resources = new AsyncDisposableStack();
  const uploader = await openUploader(deps, plan);
  if (uploader !== undefined) resources.use(uploader);
  const executor = new PushExecutor(deps, { plan, uploader });
  resources.use(executor.commits);
  try {
    await executor.run(signal);
  } catch (error) {
    if (!isCofferError(error, 'QUOTA')) throw error;
    // Removals are what makes room, and the server keeps a reserve for them.
    resources.use(await executor.removeAlone(signal));
    throw shortOfQuota(error, executor.neededBytes);
  } finally {
    deps.report.counts.bytesRead += uploader?.progress.bytesRead ?? 0;
    deps.report.counts.bytesSent += uploader?.progress.bytesSent ?? 0;
  }
  return executor.result();
}

async function openUploader({ vault }: PushExecutorDeps, plan: Plan): Promise<Uploader | undefined> {
  const uploads = plan.contents.filter(({ action }) => action === 'upload').length;
  return uploads === 0 ? undefined : vault.uploader({ lanes: uploads >= filesForTwoLanes ? 2 : 1 });
}

interface Read {
  readonly content: UploadedContent;
  /** What base may remember of the local file. */
  readonly local: Stamp;
}

class PushExecutor {
  commits: PushCommits;
  /** Plain bytes of files that no commit is acknowledged of. */
  neededBytes: number;
  readonly #deps: PushExecutorDeps;
  readonly #plan: Plan;
  readonly #uploader: Uploader | undefined;
  readonly #moves: ContentMoves;
  readonly #guard: PushGuard | undefined;
  #refused = 0;
  #failed = 0;

  constructor(
    deps: PushExecutorDeps,
    { plan, uploader }: { readonly plan: Plan; readonly uploader: Uploader | undefined },
  ) {
    this.#deps = deps;
    this.#plan = plan;
    this.#uploader = uploader;
    this.#moves = new ContentMoves(deps.remote, plan);
    this.#guard = deps.isCareful === true ? new PushGuard(deps.vault, plan) : undefined;
    this.commits = this.#openCommits(uploader);
    const uploads = plan.contents.filter((step) => step.action === 'upload');
    this.neededBytes = uploads.reduce((sum, step) => sum + sizeIn(step.local), 0);
  }

  async run(signal: AbortSignal | undefined): Promise<void> {
    const { structure, contents, removals } = this.#plan;
    for (const step of structure) await this.#structure(step, signal);
    const lanes = this.#uploader?.parallel ?? 1;
    await runLanes(contents, { lanes, work: (step) => this.#content(step, signal) }, signal);
    this.#deps.progress.enter('finishing');
    await this.#removeAll(removals, signal);
  }

  /** The removals of the plan that are not made yet, in commits of their own, which the caller disposes. */
  async removeAlone(signal: AbortSignal | undefined): Promise<AsyncDisposable> {
    this.commits = this.#openCommits(undefined);
    const { remote } = this.#deps;
    const isLeft = (step: RemoveStep): boolean =>
      step.remote !== undefined && remote.get(entryOf(step.remote)) !== undefined;
    await this.#removeAll(this.#plan.removals.filter(isLeft), signal);
    return this.commits;
  }

  result(): PushResult {
    const agrees = this.#plan.complete && this.#refused + this.#failed === 0;
    return { refused: this.#refused, agreesWithSeq: agrees ? this.commits.undisturbedSeq : undefined };
  }

  #openCommits(uploader: Uploader | undefined): PushCommits {
    const { vault, base } = this.#deps;
    const guard = this.#guard;
    const holds = guard && ((entry: EntryId) => guard.holds(entry));
    const onRefused: PushCommitsDeps['onRefused'] = (path, error) => this.#onRefused(path, error);
    return new PushCommits({ vault, base, onRefused, holds }, uploader);
  }

  async #removeAll(steps: readonly RemoveStep[], signal: AbortSignal | undefined): Promise<void> {
    for (let from = 0; from < steps.length; from += removalsAtOnce) {
      await this.#remove(steps.slice(from, from + removalsAtOnce), signal);
    }
    await this.commits.finish(signal);
  }

  async #structure(step: MakeDirectoryStep | MoveStep | SetAsideStep, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    switch (step.action) {
      case 'make-directory':
        return this.#makeDirectory(step, signal);
      case 'move':
        return this.#move(step, signal);
      case 'set-aside':
        return this.#setAside(step, signal);
    }
  }

  async #makeDirectory(step: MakeDirectoryStep, signal: AbortSignal | undefined): Promise<void> {
    const { place, local } = step;
    if (local === undefined) throw new TypeError('a directory that is not in the folder');
    const attributes = attributesOf(local);
    const entry = await this.commits.batch.makeDirectory({ ...placementOf(step), ...attributes }, signal);
    place.entry = entry;
    const remote = makeRemoteStamp({ kind: 'directory', entry, seq: 0, size: 0, ...attributes });
    this.#expectItem(step, entry, { item: () => ({ place, local, remote }) });
  }

  async #move(step: MoveStep, signal: AbortSignal | undefined): Promise<void> {
    const { place, local, remote } = step;
    const entry = entryOf(remote);
    await this.commits.batch.move(entry, placementOf(step), signal);
    const item = step.remember ? { place, local, remote, ...step.agreed } : undefined;
    this.commits.expect(entry, {
      path: pathIn(step),
      notes: () => moveNotes(step, item),
      done: () => (this.#deps.report.counts.moved += 1),
    });
  }

  async #setAside(step: SetAsideStep, signal: AbortSignal | undefined): Promise<void> {
    const { parent, name, newName, remote, hasBase } = step;
    if (remote === undefined) throw new TypeError('nothing to set aside');
    const entry = entryOf(remote);
    await this.commits.batch.move(entry, { parent: parentEntry(parent), name: toEntryName(newName) }, signal);
    const from = hasBase && parent.base !== undefined ? { directory: parent.base, name } : undefined;
    const notes = () => (from === undefined ? [] : [{ kind: 'drop' as const, from }]);
    this.commits.expect(entry, { path: pathIn(step), notes, done: () => this.#noteConflict(step) });
  }

  /** The vault's file made way for a directory of the folder. */
  #noteConflict({ parent, newName, isConflict, ...step }: SetAsideStep): void {
    if (!isConflict) return;
    const copy = joinPath(placePath(parent), newName);
    this.#deps.onConflict?.({ path: pathIn({ ...step, parent }), copy, mine: 'path' });
  }

  async #content(step: Plan['contents'][number], signal: AbortSignal | undefined): Promise<void> {
    switch (step.action) {
      case 'upload':
        return this.#upload(step, signal);
      case 'link':
        return this.#link(step, signal);
      case 'attributes':
        return this.#attributes(step, signal);
      case 'fetch':
        throw new TypeError('a push fetches nothing');
    }
  }

  async #upload(step: UploadStep, signal: AbortSignal | undefined): Promise<void> {
    const read = await this.#read(step, signal);
    if (read === undefined) return;
    if (step.remote === undefined) return this.#putNew(step, read, signal);
    const current = this.#deps.remote.get(entryOf(step.remote));
    const same = current?.contentHash !== undefined && equalBytes(current.contentHash, read.content.contentHash);
    if (same) return this.#agree(step, read, signal);
    const foreign = step.overUnseen && !this.#isOwn(current?.device);
    await this.#put(step, read, { entry: entryOf(step.remote), done: () => this.#countModified(foreign) }, signal);
  }

  /** Undefined when the file cannot be read, which is reported, or is gone, which is none of our business. */
  async #read(step: UploadStep, signal: AbortSignal | undefined): Promise<Read | undefined> {
    const { clock, progress, local, remote } = this.#deps;
    const size = sizeIn(step.local);
    const rest = restNeededMs(step.local, clock.nowMs());
    // Only a tick is waited for: longer ones are of coarse clocks or clocks gone wrong, and the next run reads again.
    if (rest > 0 && rest < 100) await clock.sleep(Math.ceil(rest) + 1, signal);
    const trusted = trustedStamp(step.local, clock.nowMs());
    const previous = step.remote === undefined ? undefined : remote.get(entryOf(step.remote))?.content;
    const path = toFsPath(local.absolute(localPath(step.from)));
    try {
      const content = await this.#open().upload(
        previous === undefined ? { path, size } : { path, size, previous },
        signal,
      );
      progress.file(size);
      return { content, local: matches(content, step.local) ? trusted : untrusted };
    } catch (error) {
      const failure = failureOfOnePath(error);
      signal?.throwIfAborted();
      this.#failed += 1;
      if (failure.code !== 'NOT_FOUND') this.#deps.report.fail(pathIn(step), failure);
      progress.file(size);
      return undefined;
    }
  }

  /** New here, but maybe its content was in a file that vanished: then that one was moved. */
  async #putNew(step: UploadStep, read: Read, signal: AbortSignal | undefined): Promise<void> {
    const found = this.#moves.claim(read.content);
    if (found === undefined) {
      return this.#put(step, read, { entry: undefined, done: () => (this.#deps.report.counts.sent += 1) }, signal);
    }
    const entry = entryOf(found.remote);
    this.#guard?.moves(entry, step);
    await this.commits.batch.move(entry, placementOf(step), signal);
    this.commits.expect(entry, {
      path: pathIn(step),
      notes: () => (found.fromBase === undefined ? [] : [{ kind: 'drop', from: found.fromBase }]),
      done: () => (this.#deps.report.counts.moved += 1),
    });
    await this.#setAttributes(
      step,
      { ...parseRemoteStamp(found.remote), ...attributesFrom(read.content), local: read.local },
      signal,
    );
  }

  async #put(
    step: UploadStep,
    { content, local }: Read,
    { entry: existing, done }: { readonly entry: EntryId | undefined; readonly done: () => void },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { mtime, mode, size } = content;
    const file = { ...placementOf(step), mtime, mode, content };
    const entry = await this.commits.batch.putFile(
      existing === undefined ? file : { ...file, entry: existing },
      signal,
    );
    const item = (seq: number): NotedItem => ({
      place: undefined,
      local,
      remote: makeRemoteStamp({ kind: 'file', entry, seq, mtime, mode, size }),
    });
    const acknowledged = (): void => {
      this.neededBytes -= sizeIn(step.local);
      done();
    };
    this.#expectItem(step, entry, { item, done: acknowledged });
  }

  /** The content is in the vault already. */
  async #agree(step: UploadStep, read: Read, signal: AbortSignal | undefined): Promise<void> {
    this.#deps.report.counts.unchanged += 1;
    if (step.remote === undefined) throw new TypeError('nothing to agree with');
    const there = parseRemoteStamp(step.remote);
    await this.#setAttributes(
      step,
      { ...there, ...attributesFrom(read.content), local: read.local, before: step.remote },
      signal,
    );
  }

  async #setAttributes(
    step: UploadStep | AttributesStep,
    {
      local,
      before,
      place,
      ...after
    }: RemoteStampFields & { local: Stamp; before?: RemoteStamp; place?: Place | undefined },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const remote = makeRemoteStamp(after);
    const item = (): NotedItem => ({ place, local, remote });
    if (remote === before)
      return noteBookkeeping(this.#deps.base, [{ ...step, action: 'remember', local, remote, place }]);
    const { entry, mtime, mode } = after;
    await this.commits.batch.setAttributes(entry, { mtime, mode }, signal);
    this.#expectItem(step, entry, { item });
  }

  async #attributes(step: AttributesStep, signal: AbortSignal | undefined): Promise<void> {
    const { local, remote, place } = step;
    const after = { ...parseRemoteStamp(remote), ...attributesOf(local) };
    await this.#setAttributes(step, { ...after, local, place, before: remote }, signal);
  }

  async #link(step: LinkStep, signal: AbortSignal | undefined): Promise<void> {
    const { local, from } = step;
    if (local === undefined || from === undefined) throw new TypeError('a link that is not in the folder');
    const target = this.#readTarget(step);
    if (target === undefined) return;
    const attributes = attributesOf(local);
    const link = { ...placementOf(step), ...attributes, target };
    const existing = step.remote === undefined ? undefined : entryOf(step.remote);
    const entry = await this.commits.batch.putSymlink(
      existing === undefined ? link : { ...link, entry: existing },
      signal,
    );
    const remote = makeRemoteStamp({ kind: 'symlink', entry, seq: 0, size: 0, ...attributes });
    this.#expectItem(step, entry, { item: () => ({ place: undefined, local, remote }) });
  }

  #readTarget(step: LinkStep): string | Uint8Array | undefined {
    try {
      return this.#deps.local.target(localPath(step.from));
    } catch (error) {
      this.#failed += 1;
      const failure = failureOfOnePath(error);
      if (failure.code !== 'NOT_FOUND') this.#deps.report.fail(pathIn(step), failure);
      return undefined;
    }
  }

  async #remove(steps: readonly RemoveStep[], signal: AbortSignal | undefined): Promise<void> {
    const going = steps.filter((step) => step.remote !== undefined && !this.#moves.isClaimed(step.remote));
    if (going.length === 0) return;
    await this.commits.batch.remove(
      going.map(({ remote }) => entryOf(remote ?? '')),
      signal,
    );
    for (const step of going) {
      const { fromBase } = step;
      this.commits.expect(entryOf(step.remote ?? ''), {
        path: pathIn(step),
        notes: () => (fromBase === undefined ? [] : [{ kind: 'forget', from: fromBase }]),
        done: () => (this.#deps.report.counts.removed += step.files - this.#moves.movedOutOf(step)),
      });
    }
  }

  #expectItem(
    step: Step,
    entry: EntryId,
    { item, done = () => undefined }: { readonly item: (seq: number) => NotedItem; readonly done?: () => void },
  ): void {
    const at = { parent: step.parent, name: step.name };
    this.commits.expect(entry, {
      path: pathIn(step),
      notes: (seq) => [{ kind: 'remember', at, item: item(seq) }],
      done,
    });
  }

  #countModified(isConflict: boolean): void {
    this.#deps.report.counts.modified += 1;
    if (isConflict) this.#deps.report.counts.conflicts += 1;
  }

  #isOwn(device: DeviceId | undefined): boolean {
    return device !== undefined && this.#deps.device !== undefined && equalBytes(device, this.#deps.device);
  }

  #onRefused(path: ByteName, error: Parameters<ReportDraft['fail']>[1]): void {
    this.#refused += 1;
    this.#deps.report.refuse(path, error);
  }

  #open(): Uploader {
    if (this.#uploader === undefined) throw new TypeError('no uploader was opened');
    return this.#uploader;
  }
}
