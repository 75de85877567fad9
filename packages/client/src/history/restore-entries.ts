import type { EntryName } from '@coffer/journal';
import { CofferError, timestampFromMs } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import type { CommitBatch } from '../commit-batch.ts';
import type { TreeReader } from '../tree-reader.ts';
import { displayName, formatPath } from '../vault-path.ts';
import { planRestore } from './plan-restore.ts';
import type { RestorePlace, RestoreStep, Spot } from './plan-restore.ts';

/** Counts of entries; folders and links are counted with the files but for `unchanged`. */
export interface RestoreReport {
  /** Came back from where removed entries are kept. */
  readonly undeleted: number;
  /** Got their old content as a new version. */
  readonly changed: number;
  /** Were renamed within the folder, and moved back. */
  readonly moved: number;
  /** Made anew because the entry itself stays where it is now. */
  readonly copied: number;
  readonly unchanged: number;
  /** Got another name because something of another kind has theirs. */
  readonly beside: number;
}

export interface RestoreEntries {
  readonly batch: CommitBatch;
  /** The vault as it is. */
  readonly now: TreeReader;
  /** The vault as it was. */
  readonly was: TreeReader;
  /** Names from the root to what is wanted, which `was` has. */
  readonly names: readonly EntryName[];
  readonly nowMs: number;
}

/**
 * Makes a file or folder what it was, path by path (see {@link planRestore}), in the caller's batch, which the caller commits.
 * Folders above it that are missing are made. @throws INVALID when a file is in their place; what the batch throws
 */
export async function restoreEntries(wish: RestoreEntries, signal?: AbortSignal): Promise<RestoreReport> {
  const { batch, was, names } = wish;
  const now = wish.now.atSeq(wish.now.seq);
  const start = was.lookup(names);
  if (start === undefined) throw new TypeError('a path that was not there is restored');
  const parent = await makeAbove({ ...wish, now }, signal);
  const place = { parent: { entry: parent }, name: names.at(-1) ?? '' };
  const besideName = (wanted: EntryName, isTaken: (name: EntryName) => boolean): EntryName =>
    freeName(wanted, { atMs: wish.nowMs, isTaken });
  const plan = planRestore({ was, now, start, place, present: now.lookup(names), besideName });
  const count = { undeleted: 0, changed: 0, moved: 0, copied: 0 };
  for (const step of plan.steps) {
    await runStep(batch, step, signal);
    const counted = counts[step.action];
    if (counted !== undefined) count[counted] += 1;
  }
  return { ...count, unchanged: plan.unchanged, beside: plan.beside };
}

/**
 * Brings a removed entry back to the path where it was; of a folder also everything that went with it. In the caller's
 * batch, which the caller commits. @throws EXISTS when something has that path; INVALID when a file is in the place of a folder above
 */
export async function undeleteEntry(wish: RestoreEntries, signal?: AbortSignal): Promise<void> {
  const { batch, now, was, names } = wish;
  const entry = was.lookup(names);
  if (entry === undefined) throw new TypeError('a path that was not there is undeleted');
  if (now.lookup(names) !== undefined) throw new CofferError('EXISTS', 'there is something of this name now');
  const parent = await makeAbove(wish, signal);
  await batch.undelete(entry.entry, { parent, name: names.at(-1) ?? '', seq: entry.seq }, signal);
}

/** Mode of folders of which nothing is known. */
const usualMode = 0o755;

/** The folder that holds the last name, made when it is missing, and those above it. */
async function makeAbove({ batch, now, was, names, nowMs }: RestoreEntries, signal?: AbortSignal): Promise<EntryId> {
  let parent = now.root().entry;
  for (let length = 1; length < names.length; length += 1) {
    const path = names.slice(0, length);
    const there = now.lookup(path);
    if (there !== undefined && there.kind !== 'directory')
      throw new CofferError('INVALID', `${formatPath(path)} is not a folder now`);
    const { mtime, mode } = was.lookup(path) ?? { mtime: timestampFromMs(nowMs), mode: usualMode };
    const directory = { parent, name: path.at(-1) ?? '', mtime, mode };
    parent = there?.entry ?? (await batch.makeDirectory(directory, signal));
  }
  return parent;
}

const counts: Readonly<Record<RestoreStep['action'], 'undeleted' | 'changed' | 'moved' | 'copied' | undefined>> = {
  'make-directory': 'copied',
  undelete: 'undeleted',
  move: 'moved',
  change: 'changed',
  copy: 'copied',
  link: 'changed',
  attributes: undefined,
  remove: undefined,
};

async function runStep(batch: CommitBatch, step: RestoreStep, signal: AbortSignal | undefined): Promise<void> {
  const { was } = step;
  const { mtime, mode } = was;
  const place = placed(step);
  switch (step.action) {
    case 'make-directory':
      step.spot.entry = await batch.makeDirectory({ ...place, mtime, mode }, signal);
      return;
    case 'undelete':
      return batch.undelete(was.entry, { ...place, seq: was.seq }, signal);
    case 'move':
      return batch.move(was.entry, place, signal);
    case 'change':
      await batch.copyFile(was, { ...place, entry: step.entry }, signal);
      return;
    case 'copy':
      await batch.copyFile(was, place, signal);
      return;
    case 'link': {
      const link = { ...place, mtime, mode, target: was.target ?? '' };
      await batch.putSymlink(step.entry === undefined ? link : { ...link, entry: step.entry }, signal);
      return;
    }
    case 'attributes':
      return batch.setAttributes(step.entry, { mtime, mode }, signal);
    case 'remove':
      return batch.remove([step.entry], signal);
  }
}

function placed({ parent, name }: RestorePlace): { parent: Uint8Array; name: EntryName } {
  return { parent: made(parent), name };
}

function made({ entry }: Spot): Uint8Array {
  if (entry === undefined) throw new TypeError('a step comes before the one that makes its directory');
  return entry;
}

/** `name (restored 2026-11-20 16.30.05).ext`; a number follows when that is taken as well. */
function freeName(
  name: EntryName,
  { atMs, isTaken }: { readonly atMs: number; readonly isTaken: (name: EntryName) => boolean },
): EntryName {
  const text = displayName(name);
  const dot = text.lastIndexOf('.');
  const [stem, extension] = dot > 0 ? [text.slice(0, dot), text.slice(dot)] : [text, ''];
  const time = new Date(atMs).toISOString().slice(0, 19).replace('T', ' ').replaceAll(':', '.');
  for (let number = 1; ; number += 1) {
    const mark = ` (restored ${time}${number === 1 ? '' : ` ${number}`})`;
    const free = shortened(stem, mark + extension);
    if (!isTaken(free)) return free;
  }
}

/** Names hold 255 bytes: the mark must fit, whatever the name. */
function shortened(stem: string, end: string): string {
  let kept = stem;
  while (Buffer.byteLength(kept + end) > 255 || !kept.isWellFormed()) kept = kept.slice(0, -1);
  return kept + end;
}
