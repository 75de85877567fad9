import { join } from 'node:path';
import { CofferError, equalBytes, isCofferError } from '@coffer/core';
import { displayName } from '@coffer/client';
import type { Entry, UploadedContent, Uploader } from '@coffer/client';
import { layDown } from '@coffer/sync';
import type { WorkFolder } from './local-machine.ts';
import type { Services } from './services.ts';

export type EditParts = Pick<Services, 'account' | 'vault' | 'local' | 'clock'> & {
  readonly ui: Pick<Services['ui'], 'suspend'>;
  readonly live: Pick<Services['live'], 'touch'>;
};

/**
 * Opens a file of the vault in the person's editor, in a private folder, and stores what was changed as a new version. When
 * another device stored one in the meantime, both survive. The folder goes when the change is stored or there is none; on
 * anything else it stays. @returns what happened @throws KeptEditError, which says where; what the vault throws before that
 */
export async function editFile(
  parts: EditParts,
  entry: Entry,
  signal: AbortSignal,
): Promise<'changed' | 'unchanged' | 'beside'> {
  const folder = parts.local.workFolder();
  const path = join(folder.path, `file${extensionOf(displayName(entry.name))}`);
  await fetch(parts, { entry, folder, path }, signal);
  const before = parts.local.stamp(path);
  try {
    await edit(parts, { path, before });
    const outcome = parts.local.stamp(path) === before ? 'unchanged' : await store(parts, { entry, path }, signal);
    folder.remove();
    return outcome;
  } catch (error) {
    throw new KeptEditError(path, error);
  } finally {
    parts.live.touch();
  }
}

interface Edited {
  readonly entry: Entry;
  readonly path: string;
}

async function fetch(
  { account, vault }: EditParts,
  { entry, folder, path }: Edited & { readonly folder: WorkFolder },
  signal: AbortSignal,
): Promise<void> {
  try {
    const report = await layDown({
      vault,
      tree: vault.tree,
      items: [{ entry, name: path.slice(folder.path.length + 1) }],
      folder: folder.path,
      deviceName: account.info.deviceName,
      signal,
    });
    const failed = report.errors[0];
    if (failed !== undefined) throw new CofferError(failed.code, failed.message);
  } catch (error) {
    folder.remove();
    throw error;
  }
}

/** Sooner than anybody has read a file: an editor that is back by then goes on in a window of its own. */
const soonestMs = 1000;

async function edit(
  { ui, local, clock }: EditParts,
  { path, before }: { readonly path: string; readonly before: string | undefined },
): Promise<void> {
  const startMs = clock.monotonicMs();
  await ui.suspend(() => local.edit(path));
  if (clock.monotonicMs() - startMs >= soonestMs || local.stamp(path) !== before) return;
  throw new CofferError('IO', 'the editor came back at once and changed nothing', {
    hint: 'Set EDITOR to one that waits until the file is closed, like `code --wait`.',
  });
}

/** What was edited is not stored: it lies at a path of this machine, which the message names. The code is that of the cause. */
export class KeptEditError extends CofferError {
  readonly path: string;

  constructor(path: string, cause: unknown) {
    const message = cause instanceof Error ? cause.message : String(cause);
    super(isCofferError(cause) ? cause.code : 'IO', `${message}; the file you edited is kept in ${path}`, {
      hint: (isCofferError(cause) ? cause.hint : undefined) ?? 'Upload it with u, or remove it.',
      cause,
    });
    this.path = path;
  }
}

/** One that another device was faster with is stored once more, beside what that made of it. */
async function store(
  { vault }: EditParts,
  { entry, path }: Edited,
  signal: AbortSignal,
): Promise<'changed' | 'beside'> {
  await using uploader = await vault.uploader({ lanes: 1 });
  const content = await uploader.upload({ path, size: 0, previous: entry.content }, signal);
  await vault.pull(signal);
  const parts = { vault, uploader, entry, content };
  try {
    if (isStill(parts)) {
      await put(parts, 'in place', signal);
      return 'changed';
    }
  } catch (error) {
    if (!isCofferError(error, 'CONFLICT')) throw error;
    await vault.pull(signal);
  }
  await put(parts, 'beside', signal);
  return 'beside';
}

interface PutParts extends Pick<Edited, 'entry'> {
  readonly vault: Services['vault'];
  readonly uploader: Uploader;
  readonly content: UploadedContent;
}

/** Nobody changed the file since it was opened here. */
function isStill({ vault, entry }: PutParts): boolean {
  return vault.tree.get(entry.entry)?.seq === entry.seq;
}

async function put(parts: PutParts, where: 'in place' | 'beside', signal: AbortSignal): Promise<void> {
  const { vault, uploader, entry, content } = parts;
  await using batch = vault.batch({ uploader, holds: (one) => !equalBytes(one, entry.entry) || isStill(parts) });
  const { mtime } = content;
  const place = where === 'in place' ? inPlace(parts) : beside(parts);
  await batch.putFile({ ...place, content, mtime, mode: entry.mode }, signal);
  const refused = (await batch.commit(signal)).flatMap((report) => report.refused)[0];
  if (refused !== undefined) throw refused.error;
}

function inPlace({ vault, entry }: PutParts) {
  const { parent, name } = vault.tree.get(entry.entry) ?? entry;
  return { parent, name, entry: entry.entry };
}

function beside({ vault, entry }: PutParts) {
  const parent = vault.tree.get(entry.parent)?.entry ?? vault.tree.root().entry;
  return { parent, name: freeName(vault, { name: entry.name, parent }) };
}

/** What was typed is never lost: it gets a name of its own beside what another device made of the file. */
function freeName({ tree }: Services['vault'], { parent, name }: Pick<Entry, 'parent' | 'name'>): string {
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
