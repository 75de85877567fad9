import { idKey, rootEntry, splitBytes } from '@coffer/core';
import type { EntryId, IdKey } from '@coffer/core';
import { isHole, isSegmented, isSharedTuple } from './content.ts';
import type { ChunkTuple, Content, Hole } from './content.ts';
import { sameBytes } from './field-schemas.ts';
import { isReservedName } from './name.ts';
import type { Operation, PutOperation } from './operation.ts';
import type { PutRef, Ref, VaultKind } from './ref.ts';
import { invalid } from './refuse.ts';

export interface MatchOptions {
  readonly kind: VaultKind;
  readonly genesis: boolean;
}

/** Refs that no operation of the commit accounts for. */
export interface Unmatched {
  /** Legal only for entries that are not reachable at this position: the fold knows, and voids the commit otherwise. */
  readonly drops: readonly EntryId[];
}

/**
 * Compares what the server was told with what members read (JOURNAL §Fold, Matching).
 * @throws INVALID when they differ: the commit is void
 */
export function matchOperations(
  refs: readonly Ref[],
  operations: readonly Operation[],
  { kind, genesis }: MatchOptions,
): Unmatched {
  if (operations.some(([op]) => op === 'init') !== genesis) throw invalid('a cutting key stands where none belongs');
  if (genesis) checkGenesis(operations, kind);
  else if (kind === 'team' && operations.length > 0) throw invalid('a team has no files');
  const puts = operations.filter((operation) => operation[0] === 'put');
  checkPlaces(operations, kind);
  matchPuts(refs, puts, kind);
  return { drops: matchDrops(refs, operations) };
}

/** A team's also holds its name, as that of one directory: the id of the team covers it. */
function checkGenesis([, ...more]: readonly Operation[], kind: VaultKind): void {
  if (kind !== 'team' && more.length > 0) throw invalid('a genesis holds more than its cutting key');
  if (kind === 'team' && (more.length !== 1 || nameOfTeam(more) === undefined))
    throw invalid('the genesis of a team holds its cutting key and its name');
}

/** The name in the operations of a team's genesis; undefined when there is none. */
export function nameOfTeam(operations: readonly Operation[]): string | undefined {
  const put = operations.find((operation) => operation[0] === 'put');
  if (put === undefined) return undefined;
  const [, , parent, name, kind] = put;
  return kind === 'directory' && sameBytes(parent, rootEntry) && typeof name === 'string' ? name : undefined;
}

function checkPlaces(operations: readonly Operation[], kind: VaultKind): void {
  for (const operation of operations) {
    if (operation[0] !== 'put' && operation[0] !== 'move') continue;
    const [op, , parent, name] = operation;
    if (op === 'put' && operation[4] === 'mount' && kind !== 'home')
      throw invalid('a mount stands outside a home vault');
    if (isReservedName({ kind, parent, name })) throw invalid('a reserved name is taken');
  }
}

function matchPuts(refs: readonly Ref[], puts: readonly PutOperation[], kind: VaultKind): void {
  const expected = new Map<IdKey, PutRef>();
  for (const ref of refs) if (ref.kind === 'put') expected.set(idKey(ref.entry), ref);
  const seen = new Set<IdKey>();
  for (const [, entry, , , entryKind, , , , content] of puts) {
    const key = idKey(entry);
    if (seen.has(key)) throw invalid('an entry is put twice in one commit');
    seen.add(key);
    const ref = expected.get(key);
    if ((entryKind === 'file') !== (ref !== undefined)) throw invalid('a put and its reference do not belong together');
    if (ref !== undefined) matchContent(ref, content, kind);
    expected.delete(key);
  }
  if (expected.size > 0) throw invalid('a reference has no put');
}

function matchContent(ref: PutRef, content: Content, kind: VaultKind): void {
  const sharedForm = isSegmented(content)
    ? content[1].some(([, list]) => isSharedTuple(list))
    : content.some(isSharedTuple);
  const homeForm = !sharedForm && (isSegmented(content) || content.some((tuple) => !isHole(tuple)));
  if (kind === 'home' ? sharedForm : homeForm) throw invalid('a content has the form of another kind of vault');
  const matches = isSegmented(content) ? segmentsMatch(ref, content) : chunksMatch(ref, content);
  if (!matches) throw invalid('a content and its reference do not belong together');
}

function segmentsMatch(ref: PutRef, [, runs]: Extract<Content, readonly ['seg', unknown]>): boolean {
  const named = new Set(runs.map(([segment]) => idKey(segment)));
  return ref.chunks.length === 0 && sameKeys(named, splitBytes(ref.segments, 32).map(idKey));
}

function chunksMatch(ref: PutRef, content: Exclude<Content, readonly ['seg', unknown]>): boolean {
  if (ref.segments.byteLength > 0) return false;
  const chunks = content.filter((tuple): tuple is Exclude<typeof tuple, Hole> => !isHole(tuple));
  const count = ref.chunks.reduce((sum, { ids }) => sum + ids.byteLength / 32, 0);
  if (!chunks.some(isSharedTuple)) return count === countDistinct(chunks);
  const named = new Set(chunks.filter(isSharedTuple).map(([, , , uploader, id]) => idKey(uploader) + idKey(id)));
  return sameKeys(
    named,
    ref.chunks.flatMap(({ uploader, ids }) => splitBytes(ids, 32).map((id) => idKey(uploader) + idKey(id))),
  );
}

/** The ids of a home vault follow from a secret; one for each different (hash, generation) is what can be seen. */
function countDistinct(chunks: readonly ChunkTuple[]): number {
  if (chunks.length < 2) return chunks.length;
  return new Set(chunks.map(([plainHash, , , g]) => `${idKey(plainHash)}${String(g)}`)).size;
}

function sameKeys(named: ReadonlySet<string>, ids: readonly string[]): boolean {
  return named.size === ids.length && ids.every((id) => named.has(id));
}

/** Each removal and each mount has its drop; drops that are left over are returned. */
function matchDrops(refs: readonly Ref[], operations: readonly Operation[]): EntryId[] {
  const dropped = { removed: new Map<IdKey, EntryId>(), moved: new Map<IdKey, EntryId>() };
  for (const ref of refs) {
    if (ref.kind === 'drop') for (const entry of ref.entries) dropped[ref.reason].set(idKey(entry), entry);
  }
  for (const operation of operations) {
    if (operation[0] === 'remove') for (const entry of operation[1]) take(dropped.removed, entry);
    if (operation[0] === 'put' && operation[4] === 'mount') take(dropped.moved, operation[1]);
  }
  return [...dropped.removed.values(), ...dropped.moved.values()];
}

function take(drops: Map<IdKey, EntryId>, entry: EntryId): void {
  if (!drops.delete(idKey(entry))) throw invalid('an entry is removed without its reference, or twice');
}
