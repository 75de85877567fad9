import { basename } from 'node:path';
import { displayName, formatPath } from '@coffer/client';
import type { Store } from '../../app/store.ts';
import { editFile, KeptEditError } from '../../services/edit-file.ts';
import type { Volume } from '../../services/open-volume.ts';
import { pickLocal } from '../../services/pick-local.ts';
import type { Services } from '../../services/services.ts';
import { queueDownload, queueUpload } from '../../services/transfer-tasks.ts';
import { chosenRows, focusedRow } from './files-state.ts';
import type { FilesState } from './files-state.ts';
import { whatOf } from './rows.ts';

/** Uploads, downloads and edits of the Files screen. */
export class FileTransfers {
  readonly #services: Services;
  readonly #store: Store<FilesState>;
  readonly #volume: Volume;
  /** Where things were picked or saved last: the next time begins there. */
  #lastPicked: string;
  #lastSaved: string;

  constructor(services: Services, { store, volume }: { readonly store: Store<FilesState>; readonly volume: Volume }) {
    this.#services = services;
    this.#store = store;
    this.#volume = volume;
    this.#lastPicked = services.local.cwd;
    this.#lastSaved = services.local.cwd;
  }

  async upload(): Promise<void> {
    const { place } = this.#store.state;
    if (place.kind !== 'folder') return;
    const where = formatPath(this.#volume.shown(place.names));
    const paths = await pickLocal(this.#services, {
      title: `Upload to ${where}`,
      start: this.#lastPicked,
      want: 'anything',
    });
    const [first] = paths ?? [];
    if (paths === undefined || first === undefined) return;
    this.#lastPicked = this.#services.local.parentOf(first);
    queueUpload(this.#services, { paths, into: place.entry, where });
    this.#services.ui.say(
      `uploading ${paths.length === 1 ? basename(first) : `${paths.length} items`}: 2 shows how far`,
    );
  }

  async save(): Promise<void> {
    const rows = chosenRows(this.#store.state);
    const { ui, local, vault } = this.#services;
    const typed = await ui.ask({
      title: `Save ${whatOf(rows)} to`,
      initial: this.#lastSaved,
      hint: 'a folder of this machine; ~ is yours',
      check: (text) => this.#targetProblem(text, rows.length),
    });
    if (typed === undefined) return;
    const target = local.resolve(typed);
    if (local.isFolder(target)) this.#lastSaved = target;
    const items = rows.map(({ entry }) => ({ entry, name: entry.name }));
    queueDownload(this.#services, { tree: vault.tree, items, what: whatOf(rows), target });
    this.#store.update((state) => ({ ...state, marks: new Set() }));
    ui.say(`saving ${whatOf(rows)} to ${typed}: 2 shows how far`);
  }

  async edit(): Promise<void> {
    const row = focusedRow(this.#store.state);
    if (row === undefined) return;
    const { ui } = this.#services;
    const name = displayName(row.entry.name);
    let outcome: Awaited<ReturnType<typeof editFile>> | undefined;
    let kept: KeptEditError | undefined;
    const isDone = await ui.work(`editing ${name}`, async (signal) => {
      outcome = await editFile(this.#services, row.entry, signal).catch((error: unknown) => {
        if (!(error instanceof KeptEditError)) throw error;
        kept = error;
        return undefined;
      });
    });
    // One line at the lower edge has no room for a path, and what is typed must be found again.
    if (kept !== undefined)
      return await ui.read({ title: `${name} is not stored`, lines: [`${kept.message}.`, kept.hint ?? ''] });
    if (!isDone) return;
    if (outcome === 'changed') ui.say(`stored a new version of ${name}`, 'good');
    else if (outcome === 'unchanged') ui.say(`${name} was not changed`);
    else ui.say(`another device changed ${name} too: yours stands beside it`, 'warning');
  }

  #targetProblem(text: string, items: number): string | undefined {
    const { local } = this.#services;
    if (text.trim() === '') return 'say where';
    const target = local.resolve(text);
    if (local.isFolder(target)) return undefined;
    if (items > 1) return 'there is no such folder';
    return local.isFolder(local.parentOf(target)) ? undefined : `there is no folder ${local.parentOf(target)}`;
  }
}
