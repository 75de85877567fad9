import { CofferError, formatSize } from '@coffer/core';
import { displayName, splitPath } from '@coffer/client';
import type { Entry } from '@coffer/client';
import type { Ability } from '../../app/screen.ts';
import type { Store } from '../../app/store.ts';
import type { ActionId } from '../../keymap.ts';
import type { Volume } from '../../services/open-volume.ts';
import type { Services } from '../../services/services.ts';
import { shareEntry } from '../../services/share-entry.ts';
import { treeWith } from '../../services/tree-with.ts';
import type { Undo } from '../../services/undo-stack.ts';
import { count } from '../../terminal/format.ts';
import { chosenRows, focusedRow, hasChosen } from './files-state.ts';
import type { FilesState } from './files-state.ts';
import { FileTransfers } from './file-transfers.ts';
import { whatOf } from './rows.ts';

/** What is done with files: each command says why it cannot be done, and does it. */
export class FileCommands {
  readonly #services: Services;
  readonly #store: Store<FilesState>;
  readonly #volume: Volume;
  readonly #transfers: FileTransfers;

  constructor(services: Services, { store, volume }: { readonly store: Store<FilesState>; readonly volume: Volume }) {
    this.#services = services;
    this.#store = store;
    this.#volume = volume;
    this.#transfers = new FileTransfers(services, { store, volume });
  }

  can(action: ActionId): Ability {
    const { state } = this.#store;
    if (changes.has(action) && this.#volume.canChange !== true) return this.#volume.canChange;
    if (action === 'share' && !this.#volume.isHome) return 'this is shared already, by who owns it: 4 shows with whom';
    if (action === 'undo') return this.#services.undo.top === undefined ? 'there is nothing to undo' : true;
    if (inFolder.has(action) && state.place.kind !== 'folder') return 'not here: go to a folder first';
    if (aboutRows.has(action) && !hasChosen(state)) return 'there is nothing under the cursor';
    if (action === 'paste' && state.clipboard === undefined) return 'nothing was taken: y copies, x moves';
    if (action === 'restore' && state.place.kind !== 'trash') return 'only what is in the trash is restored here';
    if (action === 'share' && this.#services.account.info.scope === 'worker')
      return 'an unattended device shares nothing';
    if (action === 'edit' && focusedRow(state)?.kind !== 'file') return 'only files can be edited';
    if (state.place.kind === 'trash' && notInTrash.has(action)) return 'not in the trash: restore it first';
    return true;
  }

  run(action: ActionId): void {
    const command = this.#commands[action];
    if (command !== undefined) void command().catch((error: unknown) => this.#services.ui.fail(error));
  }

  readonly #commands: Partial<Record<ActionId, () => Promise<void>>> = {
    copy: () => this.#take('copy'),
    cut: () => this.#take('move'),
    paste: () => this.#paste(),
    rename: () => this.#rename(),
    make: () => this.#make(),
    trash: () => this.#trash(),
    restore: () => this.#restore(),
    destroy: () => this.#destroy(),
    undo: () => this.#undo(),
    upload: () => this.#transfers.upload(),
    save: () => this.#transfers.save(),
    edit: () => this.#transfers.edit(),
    share: () => this.#share(),
    sumUp: () => this.#sumUp(),
  };

  async #take(mode: 'copy' | 'move'): Promise<void> {
    const rows = chosenRows(this.#store.state);
    const clipboard = { mode, entries: rows.map(({ entry }) => entry) };
    this.#store.update((state) => ({ ...state, clipboard, marks: new Set(), rangeFrom: undefined }));
    this.#services.ui.say(`${whatOf(rows)} will be ${mode === 'copy' ? 'copied' : 'moved'}: p puts it here`);
  }

  async #paste(): Promise<void> {
    const { clipboard, place } = this.#store.state;
    if (clipboard === undefined || place.kind !== 'folder') return;
    const { actions, vault } = this.#services;
    const entries = clipboard.entries.flatMap(({ entry }) => vault.tree.get(entry) ?? []);
    if (entries.length === 0) throw new CofferError('NOT_FOUND', 'what was taken is not there any more');
    const into = place.entry.entry;
    await this.#change(clipboard.mode === 'copy' ? 'copying' : 'moving', (signal) =>
      clipboard.mode === 'copy' ? actions.copy(entries, into, signal) : actions.move(entries, into, signal),
    );
    if (clipboard.mode === 'move') this.#store.update((state) => ({ ...state, clipboard: undefined }));
  }

  async #rename(): Promise<void> {
    const row = focusedRow(this.#store.state);
    if (row === undefined) return;
    const { ui, actions } = this.#services;
    const before = displayName(row.entry.name);
    const name = await ui.ask({
      title: `Rename ${before}`,
      initial: before,
      check: (text) => (text === before ? undefined : this.#nameProblem(row.entry.parent, text)),
    });
    if (name === undefined || name === before) return;
    await this.#change('renaming', (signal) => actions.rename(row.entry, name, signal));
  }

  async #make(): Promise<void> {
    const { place } = this.#store.state;
    if (place.kind !== 'folder') return;
    const { ui, actions } = this.#services;
    const parent = place.entry.entry;
    const typed = await ui.ask({
      title: 'New file, or folder with / at its end',
      hint: 'notes.txt makes a file, reports/ a folder',
      check: (text) => this.#nameProblem(parent, text.replace(/\/$/, '')),
    });
    if (typed === undefined) return;
    const name = typed.replace(/\/$/, '');
    await this.#change(`making ${name}`, (signal) =>
      typed.endsWith('/') ? actions.makeFolder(parent, name, signal) : actions.makeFile(parent, name, signal),
    );
  }

  async #trash(): Promise<void> {
    const rows = chosenRows(this.#store.state);
    const { ui, actions, vault, clock } = this.#services;
    const { trashDays } = vault.history.policyAt(clock.nowMs()).policy;
    const isAgreed = await ui.confirm({
      title: 'Move to the trash',
      lines: [
        ...this.#planLines(rows.map(({ entry }) => entry)),
        `They stay in the trash for ${count(trashDays, 'day')}; z takes it back.`,
      ],
      yes: 'move to the trash',
    });
    if (!isAgreed) return;
    const entries = rows.map(({ entry }) => entry);
    await this.#change('moving to the trash', (signal) => actions.trash(entries, signal));
  }

  /** Removes files and destroys all their versions: nothing brings them back. */
  async #destroy(): Promise<void> {
    const rows = chosenRows(this.#store.state);
    const { ui, actions } = this.#services;
    const isAgreed = await ui.confirm({
      title: 'Remove for ever',
      lines: [
        ...this.#planLines(rows.map(({ entry }) => entry)),
        'All their versions are destroyed in 7 days. Until then the trash brings them back, and D on a version in History keeps it.',
      ],
      yes: 'remove for ever',
      word: whatOf(rows),
    });
    if (!isAgreed) return;
    const isDone = await ui.work('removing for ever', (signal) =>
      actions.destroy(
        rows.map(({ entry }) => entry),
        signal,
      ),
    );
    if (isDone) ui.say(`${whatOf(rows)}: removed, and destroyed in 7 days`, 'good');
  }

  async #restore(): Promise<void> {
    const rows = chosenRows(this.#store.state);
    const { actions } = this.#services;
    const removed = rows.flatMap(({ entry, path, removedSeq }) =>
      path === undefined || removedSeq === undefined ? [] : [{ entry, path, removedSeq }],
    );
    await this.#change('restoring', (signal) => actions.restoreRemoved(removed, signal));
  }

  async #share(): Promise<void> {
    const row = focusedRow(this.#store.state);
    const names = row === undefined ? undefined : (row.path ?? this.#services.vault.tree.path(row.entry.entry));
    if (row !== undefined && names !== undefined) await shareEntry(this.#services, { entry: row.entry, names });
  }

  async #sumUp(): Promise<void> {
    const rows = chosenRows(this.#store.state);
    const { ui } = this.#services;
    const entries = rows.map(({ entry }) => entry);
    let bytes = 0;
    for (const below of this.#below(entries)) bytes += below.kind === 'file' ? below.size : 0;
    await ui.read({
      title: whatOf(rows),
      lines: [...this.#planLines(entries), `${formatSize(bytes)}, without older versions.`],
    });
  }

  async #undo(): Promise<void> {
    const { ui, undo } = this.#services;
    const step = undo.top;
    if (step === undefined || !(await this.#mayTakeAlong(step))) return;
    const isDone = await ui.work(`undoing: ${step.text}`, (signal) => step.run(signal));
    if (!isDone) return;
    undo.pop();
    ui.say(`undone: ${step.text}`, 'good');
  }

  async #mayTakeAlong({ text, takesAlong }: Undo): Promise<boolean> {
    const entries = takesAlong?.() ?? [];
    if (entries.length === 0) return true;
    return await this.#services.ui.confirm({
      title: `Undo: ${text}`,
      lines: [
        'They were changed since, and go to the trash with all that is in them now:',
        ...this.#planLines(entries),
      ],
      yes: 'move to the trash',
    });
  }

  /** Runs a change, remembers how to take it back, and says what was done. */
  async #change(label: string, run: (signal: AbortSignal) => Promise<Undo>): Promise<void> {
    const { ui, undo } = this.#services;
    let done: Undo | undefined;
    const isDone = await ui.work(label, async (signal) => {
      done = await run(signal);
    });
    if (!isDone || done === undefined) return;
    undo.push(done);
    this.#store.update((state) => ({ ...state, marks: new Set(), rangeFrom: undefined }));
    ui.say(`${done.text}; z takes it back`, 'good');
  }

  /** Names, at most a few, and the counts of all below. */
  #planLines(entries: readonly Entry[]): string[] {
    let files = 0;
    let folders = 0;
    for (const below of this.#below(entries)) {
      if (below.kind === 'directory') folders += 1;
      else files += 1;
    }
    const names = entries
      .slice(0, 5)
      .map(({ name, kind }) => `  ${displayName(name)}${kind === 'directory' ? '/' : ''}`);
    if (entries.length > 5) names.push(`  and ${count(entries.length - 5, 'other')}`);
    const parts = [...(folders > 0 ? [count(folders, 'folder')] : []), count(files, 'file')];
    return [...names, `In all: ${parts.join(' with ')}.`];
  }

  /** Entries with all that is, or was, in them. */
  *#below(entries: readonly Entry[]): Iterable<Entry> {
    const { tree } = this.#services.vault;
    for (const { entry } of entries) for (const below of treeWith(tree, entry).walk(entry)) yield below.entry;
  }

  #nameProblem(parent: Uint8Array, name: string): string | undefined {
    if (name === '') return 'a name is needed';
    if (name.includes('/')) return 'a name cannot hold /';
    try {
      splitPath(name);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    if (name === '.') return 'this cannot be a name';
    return this.#services.actions.nameTaken(parent, name);
  }
}

/** What a share that may only be read refuses. */
const changes = new Set<ActionId>(['cut', 'paste', 'rename', 'make', 'trash', 'restore', 'destroy', 'upload', 'edit']);
const inFolder = new Set<ActionId>(['paste', 'make', 'upload']);
const aboutRows = new Set<ActionId>([
  'copy',
  'cut',
  'rename',
  'trash',
  'restore',
  'destroy',
  'mark',
  'view',
  'save',
  'edit',
  'share',
  'sumUp',
]);
const notInTrash = new Set<ActionId>(['copy', 'cut', 'rename', 'trash', 'edit', 'share']);
