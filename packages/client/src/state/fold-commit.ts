import { idKey, isCofferError } from '@coffer/core';
import type { EntryId, IdKey } from '@coffer/core';
import { openCommitBody } from '@coffer/crypto';
import { bodyAssociatedData, matchOperations, parseOperations } from '@coffer/journal';
import type { Commit, Operation, Ref, VaultKind } from '@coffer/journal';
import type { ServerBeliefs } from './server-beliefs.ts';
import type { Skipped, TreeWriter } from './tree-writer.ts';

export interface FoldedCommit {
  /** Its operations and its `put`, `drop` and `keep` count for nothing. */
  readonly isVoid: boolean;
  readonly skipped: readonly Skipped[];
}

export interface FoldCommitDeps {
  readonly tree: TreeWriter;
  readonly beliefs: ServerBeliefs;
  /** Runs `work` so that `undo` takes back everything it changed. */
  readonly savepoint: <Result>(work: (undo: () => void) => Result) => Result;
}

export interface CommitToFold {
  readonly commit: Commit;
  readonly kind: VaultKind;
  /** True when the owner of the vault made it. */
  readonly byOwner: boolean;
  /** Secret of the commit's epoch. */
  readonly epochSecret: Uint8Array;
  /** What its body holds, when this process wrote it: opening and checking that again took 6 % of the main thread. */
  readonly operations: readonly Operation[] | undefined;
}

/** Applies one commit that was judged already (JOURNAL §Fold); never throws because of what its author wrote. */
export function foldCommit(input: CommitToFold, deps: FoldCommitDeps): FoldedCommit {
  const { refs, seq } = input.commit.header;
  const opened = openOperations(input);
  const skipped = opened === undefined ? undefined : applied(input, opened, deps);
  deps.beliefs.update({ refs, seq, all: skipped === undefined, skipped: skipped ?? [] });
  return { isVoid: skipped === undefined, skipped: skipped ?? [] };
}

interface Opened {
  readonly operations: readonly Operation[];
  readonly looseDrops: readonly EntryId[];
}

/** Undefined when the commit is void before it touches the tree. */
function openOperations(input: CommitToFold): Opened | undefined {
  const { kind } = input;
  const { header } = input.commit;
  try {
    const operations = input.operations ?? readOperations(input);
    const { drops } = matchOperations(header.refs, operations, { kind, genesis: header.seq === 1 });
    return { operations, looseDrops: drops };
  } catch (error) {
    if (isCofferError(error)) return undefined;
    throw error;
  }
}

function readOperations({ commit: { header, body }, epochSecret }: CommitToFold): readonly Operation[] {
  const associatedData = bodyAssociatedData(header);
  return parseOperations(openCommitBody({ epochSecret, n: header.epoch, associatedData, body }));
}

/** What was skipped; undefined when a drop without an operation hits something that is still reachable: void. */
function applied(
  { commit, kind, byOwner }: CommitToFold,
  opened: Opened,
  { tree, savepoint }: FoldCommitDeps,
): readonly Skipped[] | undefined {
  const keeps = keepsOf(commit.header.refs);
  return savepoint((undo) => {
    tree.begin(commit.header.seq, { keeps, kind, byOwner });
    const skipped = opened.operations.flatMap((operation) => tree.apply(operation));
    if (!opened.looseDrops.some((entry) => tree.isLive(entry))) return skipped;
    undo();
    tree.forget();
    return undefined;
  });
}

function keepsOf(refs: readonly Ref[]): ReadonlyMap<IdKey, number> {
  const keeps = new Map<IdKey, number>();
  for (const ref of refs) if (ref.kind === 'keep') keeps.set(idKey(ref.entry), ref.seq);
  return keeps;
}
