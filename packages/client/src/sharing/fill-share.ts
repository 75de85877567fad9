import { CofferError, equalBytes, idKey, lp, sha256 } from '@coffer/core';
import type { AccountId, EntryId, VaultId } from '@coffer/core';
import type { CommitReport } from '../commit-batch.ts';
import type { Entry } from '../entry.ts';
import type { TreeReader } from '../tree-reader.ts';
import { formatPath } from '../vault-path.ts';
import type { JournalVault } from '../vaults/journal-vault.ts';
import { mirror } from './mirror.ts';

export interface FillAndMount {
  readonly home: JournalVault;
  readonly vault: JournalVault;
  /** In the home vault: what becomes the share. */
  readonly entry: EntryId;
  readonly account: AccountId;
}

/** Copying anew because other devices went on writing is given up after so many times. */
const maxRounds = 20;

/**
 * Copies at one head, replays what came after, then puts the mount in its place (JOURNAL §Members and sharing).
 * @throws NOT_FOUND, INVALID for what cannot be shared, CONFLICT; the reason for a file that cannot be taken along; QUOTA, UNREACHABLE
 */
export async function fillAndMount(
  { home, vault, entry, account }: FillAndMount,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let round = 0; round < maxRounds; round += 1) {
    const seq = home.head.seq;
    const at = home.tree.atSeq(seq);
    const shared = at.get(entry);
    if (shared === undefined) throw vanished();
    // What was sent before an earlier end may arrive after the start that finishes it.
    if (isMountOf(shared, vault.id)) return settle(home, signal);
    if (shared.kind === 'mount') throw sharedMeanwhile();
    // Another device may have shared something below since the first look.
    checkShareable(at, shared);
    const before = fingerprintOf(at, entry);
    await fill({ home: at, homeVault: home, vault, shared, account }, signal);
    const holds = (): boolean => home.head.seq === seq || before === fingerprintOf(home.tree, entry);
    if (await home.mount(shared, { vault: vault.id, holds }, signal)) return;
  }
  throw new CofferError('CONFLICT', 'other devices change this folder all the time', { hint: 'Try again later.' });
}

async function fill(
  {
    home,
    homeVault,
    vault,
    shared,
    account,
  }: { home: TreeReader; homeVault: JournalVault; vault: JournalVault; shared: Entry; account: AccountId },
  signal: AbortSignal | undefined,
): Promise<void> {
  await using owned = new AsyncDisposableStack();
  const batch = owned.use(vault.items());
  const once = <Value extends AsyncDisposable>(open: () => Value): (() => Value) => {
    let value: Value | undefined;
    return () => (value ??= owned.use(open()));
  };
  let uploader: ReturnType<JournalVault['fileUploader']> | undefined;
  const deps = {
    account,
    keys: vault.chunkKeys,
    home,
    share: vault.tree.atSeq(vault.head.seq),
    homeDownloader: once(() => homeVault.fileDownloader()),
    shareDownloader: once(() => vault.fileDownloader()),
    shareUploader: () => (uploader ??= vault.fileUploader().then((one) => owned.use(one))),
    add: (item: Parameters<typeof batch.add>[0]) => batch.add(item, signal),
  };
  await mirror(shared, deps, signal);
  // Segments are referred to by commits: they must be there before.
  await (await uploader)?.flush(signal);
  checkTaken(home, await batch.commit(signal));
}

/** @throws INVALID for the whole vault, a link, and what holds a share */
export function checkShareable(tree: TreeReader, entry: Entry): void {
  if (equalBytes(entry.entry, tree.root().entry))
    throw new CofferError('INVALID', 'the whole vault cannot be shared', { hint: 'Share a folder or a file of it.' });
  if (entry.kind === 'symlink')
    throw new CofferError('INVALID', 'a link cannot be shared by itself', { hint: 'Share what it leads to.' });
  for (const below of tree.walk(entry.entry)) {
    if (below.entry.kind !== 'mount') continue;
    const path = formatPath([...(tree.path(entry.entry) ?? []), ...below.path]);
    throw new CofferError('INVALID', `it holds ${path}, which is shared already`, {
      hint: 'Share the folders beside it one by one, or move it out first.',
    });
  }
}

/** Changes when anything at or below the entry does. */
function fingerprintOf(tree: TreeReader, entry: EntryId): string {
  let sum = new Uint8Array(32);
  for (const { entry: one } of tree.walk(entry)) {
    const { name, kind, mtime, mode, seq } = one;
    const shown = typeof name === 'string' ? name : Buffer.from(name).toString('latin1');
    sum = new Uint8Array(sha256(lp(sum, one.entry, one.parent, shown, kind, mtime.join('.'), mode, seq)));
  }
  return idKey(sum);
}

/** The mount hides what it replaces: a file that is not in the share would be nowhere. @throws the reason of the first */
function checkTaken(home: TreeReader, reports: readonly CommitReport[]): void {
  const refused = reports.flatMap((report) => report.refused)[0];
  if (refused === undefined) return;
  const { code, message, hint = 'Remove it, or put it there again, and share the folder then.' } = refused.error;
  const path = formatPath(home.path(refused.entry) ?? []);
  throw new CofferError(code, `${path} cannot be shared: ${message}`, { hint, cause: refused.error });
}

/** True for the mount of this very vault. */
export function isMountOf({ kind, target }: Entry, vault: VaultId): boolean {
  return kind === 'mount' && target instanceof Uint8Array && equalBytes(target, vault);
}

/** Tells the server what members see, and what a mount hides, where that was not done. */
export async function settle(vault: JournalVault, signal: AbortSignal | undefined): Promise<void> {
  await using batch = vault.batch();
  await batch.commit(signal);
}

function sharedMeanwhile(): CofferError {
  return new CofferError('CONFLICT', 'another device has shared it at the same moment', {
    hint: 'See with whom by `coffer shares`, and share it again.',
  });
}

function vanished(): CofferError {
  return new CofferError('NOT_FOUND', 'it was removed while it was being shared', {
    hint: 'See what is there with `coffer ls`.',
  });
}
