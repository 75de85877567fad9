import { join } from 'node:path';
import { CofferError, equalBytes } from '@coffer/core';
import { displayName } from '@coffer/client';
import type { Entry } from '@coffer/client';
import { layDown } from '@coffer/sync';
import type { Services } from './services.ts';

/**
 * Opens a file of the vault in the person's editor, in a private folder that is gone afterwards, and stores what was changed as
 * a new version. When another device stored one in the meantime, both survive. @returns what happened
 */
export async function editFile(
  { ui, account, vault, local, live }: Services,
  entry: Entry,
  signal: AbortSignal,
): Promise<'changed' | 'unchanged' | 'beside'> {
  using folder = local.workFolder();
  const name = `file${extensionOf(displayName(entry.name))}`;
  const items = [{ entry, name }];
  const report = await layDown({
    vault,
    tree: vault.tree,
    items,
    folder: folder.path,
    deviceName: account.info.deviceName,
    signal,
  });
  const failed = report.errors[0];
  if (failed !== undefined) throw new CofferError(failed.code, failed.message);
  const path = join(folder.path, name);
  const before = local.stamp(path);
  await ui.suspend(() => local.edit(path));
  if (local.stamp(path) === before) return 'unchanged';
  try {
    return await store({ vault, entry, path }, signal);
  } finally {
    live.touch();
  }
}

async function store(
  { vault, entry, path }: { readonly vault: Services['vault']; readonly entry: Entry; readonly path: string },
  signal: AbortSignal,
): Promise<'changed' | 'beside'> {
  await using uploader = await vault.uploader({ lanes: 1 });
  const content = await uploader.upload({ path, size: 0, previous: entry.content }, signal);
  await vault.pull(signal);
  const now = vault.tree.get(entry.entry);
  const isStillIt = now !== undefined && now.seq === entry.seq;
  await using batch = vault.batch({ uploader, holds: (one) => !equalBytes(one, entry.entry) || isStillIt });
  const { mtime } = content;
  const place = isStillIt
    ? { parent: now.parent, name: now.name, entry: entry.entry }
    : { parent: vault.tree.get(entry.parent)?.entry ?? vault.tree.root().entry, name: freeName(vault, entry) };
  await batch.putFile({ ...place, content, mtime, mode: entry.mode }, signal);
  const refused = (await batch.commit(signal)).flatMap((report) => report.refused)[0];
  if (refused !== undefined) throw refused.error;
  return isStillIt ? 'changed' : 'beside';
}

/** What was typed is never lost: it gets a name of its own beside what another device made of the file. */
function freeName({ tree }: Services['vault'], { parent, name }: Entry): string {
  const shown = displayName(name);
  const extension = extensionOf(shown);
  const stem = extension === '' ? shown : shown.slice(0, -extension.length);
  for (let number = 1; ; number += 1) {
    const free = `${stem} (edited${number === 1 ? '' : ` ${number}`})${extension}`;
    if (tree.child(parent, free) === undefined) return free;
  }
}

/** Tells the editor what it is; only what is harmless in a path. */
function extensionOf(name: string): string {
  return /\.[A-Za-z0-9]{1,16}$/.exec(name)?.[0] ?? '';
}
