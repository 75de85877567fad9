import { equalBytes, idKey, rootEntry } from '@coffer/core';
import { displayName } from '@coffer/client';
import type { Entry } from '@coffer/client';
import { listStart, move } from '../../app/list-state.ts';
import type { ListState, Motion } from '../../app/list-state.ts';
import { motionOf } from '../../app/motions.ts';
import type { Ability, Screen, ScreenView, Space } from '../../app/screen.ts';
import { Store } from '../../app/store.ts';
import type { ActionId } from '../../keymap.ts';
import type { Services } from '../../services/services.ts';
import type { HistoryScreen } from '../history/history-screen.ts';
import { FileCommands } from './file-commands.ts';
import { focusedRow, filesAt, moveToPlace, peel, refreshRows, settled } from './files-state.ts';
import * as change from './files-state.ts';
import type { FilesState, Place } from './files-state.ts';
import { filesView } from './files-view.ts';
import { findRows, folderRows, trashRows } from './list-rows.ts';
import { PreviewKeeper } from './preview-keeper.ts';
import { sortOrders } from './rows.ts';
import type { Row } from './rows.ts';

/** What the Files screen needs of other screens: their names and what wants attention there. */
export interface FilesLinks {
  readonly screens: () => readonly Screen[];
  readonly history: Pick<HistoryScreen, 'showVersions' | 'showFolder'>;
}

/** Browses the vault, its trash, and what was found in it; everything that is done with files begins here. */
export class FilesScreen implements Screen {
  readonly id = 'files';
  readonly title = 'Files';
  readonly #services: Services;
  readonly #links: FilesLinks;
  readonly #store: Store<FilesState>;
  readonly #commands: FileCommands;
  readonly #preview: PreviewKeeper;
  /** Where the cursor was in folders that were left. */
  readonly #left = new Map<string, ListState>();

  constructor(services: Services, links: FilesLinks) {
    this.#services = services;
    this.#links = links;
    const root = services.vault.tree.root();
    this.#store = new Store(filesAt({ kind: 'folder', entry: root, names: [] }, folderRows(services.vault.tree, root)));
    this.#commands = new FileCommands(services, this.#store);
    this.#preview = new PreviewKeeper(services, this.#store);
    services.live.changes.subscribe(() => this.#refresh());
    this.#store.subscribe(() => this.#preview.follow());
    this.#preview.follow();
  }

  subscribe(listener: () => void): () => void {
    return this.#store.subscribe(listener);
  }

  view(space: Space): ScreenView {
    const { state } = this.#store;
    const row = focusedRow(state);
    return filesView(
      {
        state,
        places: this.#places().map(({ label, badge }) => ({ label, badge })),
        info: this.#infoOf(row),
        trashDays: this.#services.vault.history.policyAt(space.nowMs).policy.trashDays,
      },
      space,
    );
  }

  can(action: ActionId): Ability {
    return this.#commands.can(action);
  }

  run(action: ActionId, height: number): void {
    const motion = motionOf(action);
    if (motion !== undefined) return this.#move(motion, height);
    const handle = this.#handlers[action];
    if (handle === undefined) return this.#commands.run(action);
    handle(height);
    this.#store.update((state) => settled(state, height));
  }

  escape(): boolean {
    const { state } = this.#store;
    const peeled = peel(state);
    if (peeled !== state) {
      this.#store.set(peeled);
      return true;
    }
    if (state.place.kind === 'folder') return false;
    this.goTo(this.#services.vault.tree.root());
    return true;
  }

  /** Shows a folder; of anything else the folder that holds it, with the cursor on it. */
  goTo(target: Entry): void {
    const { tree } = this.#services.vault;
    const folder = target.kind === 'directory' ? target : (tree.get(target.parent) ?? tree.root());
    const rows = folderRows(tree, folder);
    const place: Place = { kind: 'folder', entry: folder, names: tree.path(folder.entry) ?? [] };
    this.#enter(place, rows, this.#left.get(idKey(folder.entry)) ?? listStart);
    if (target !== folder) this.#putCursorOn(target);
  }

  readonly #handlers: Partial<Record<ActionId, (height: number) => void>> = {
    open: () => this.#open(),
    back: () => this.#back(),
    pane: () => this.#store.update((state) => ({ ...state, pane: state.pane === 'list' ? 'places' : 'list' })),
    mark: (height) => {
      this.#store.update(change.toggleMark);
      this.#move('down', height);
    },
    range: () => this.#store.update(change.toggleRange),
    markAll: () => this.#store.update(change.toggleAll),
    filter: () => void this.#filter(),
    nextMatch: () => this.#toMatch(1),
    previousMatch: () => this.#toMatch(-1),
    hidden: () => this.#store.update((state) => change.withHidden(state, !state.showsHidden)),
    info: () => this.#store.update((state) => ({ ...state, showsInfo: !state.showsInfo })),
    view: () => this.#view(),
    sort: () => void this.#sort(),
    find: () => void this.#find(),
    history: () => this.#history(),
  };

  #move(motion: Motion, height: number): void {
    this.#store.update((state) => {
      if (state.viewTop !== undefined) return { ...state, viewTop: scroll(state.viewTop, motion, height) };
      if (state.pane === 'places') {
        const extent = { count: this.#places().length, height };
        return { ...state, places: move(state.places, motion, extent) };
      }
      return { ...state, list: move(state.list, motion, { count: state.rows.length, height }) };
    });
  }

  #open(): void {
    const { state } = this.#store;
    if (state.pane === 'places') {
      this.#places()[state.places.cursor]?.open();
      return;
    }
    const row = focusedRow(state);
    if (row === undefined) return;
    if (state.place.kind === 'found') return this.goTo(row.entry);
    if (row.kind === 'mount')
      return this.#services.ui.say('a shared folder is a vault of its own: coffer ls shows it', 'warning');
    if (row.kind === 'directory' && state.place.kind === 'folder') return this.goTo(row.entry);
    this.#view();
  }

  #view(): void {
    this.#store.update((state) => ({
      ...state,
      viewTop: state.viewTop === undefined ? 0 : undefined,
      showsInfo: true,
    }));
  }

  #back(): void {
    const { place, viewTop } = this.#store.state;
    if (viewTop !== undefined) return this.#view();
    const { tree } = this.#services.vault;
    if (place.kind !== 'folder') return this.goTo(tree.root());
    if (equalBytes(place.entry.entry, rootEntry)) return;
    this.goTo(tree.get(place.entry.parent) ?? tree.root());
    this.#putCursorOn(place.entry);
  }

  #enter(place: Place, rows: readonly Row[], list: ListState): void {
    const before = this.#store.state;
    if (before.place.kind === 'folder') this.#left.set(idKey(before.place.entry.entry), before.list);
    this.#store.set({ ...moveToPlace(before, { place, rows, list }), pane: 'list' });
  }

  #putCursorOn(target: Entry): void {
    this.#store.update((state) => {
      const shown = displayName(target.name);
      const at = state.rows.findIndex(({ name }) => name === target.name || displayName(name) === shown);
      return at < 0 ? state : { ...state, list: { cursor: at, top: Math.min(state.list.top, at) } };
    });
  }

  #history(): void {
    const { state } = this.#store;
    const row = focusedRow(state);
    const { vault, ui } = this.#services;
    const names = row?.path ?? (row === undefined ? undefined : vault.tree.path(row.entry.entry));
    if (row?.entry.kind === 'file' && names !== undefined) this.#links.history.showVersions(row.entry, names);
    else if (row?.entry.kind === 'directory' && names !== undefined) this.#links.history.showFolder(names);
    else this.#links.history.showFolder(state.place.kind === 'folder' ? state.place.names : []);
    ui.show('history');
  }

  #places(): readonly { readonly label: string; readonly badge: string | undefined; readonly open: () => void }[] {
    const { tree } = this.#services.vault;
    const home = { label: 'Home', badge: undefined, open: () => this.goTo(tree.root()) };
    const trash = { label: 'Trash', badge: undefined, open: () => this.#openTrash() };
    const others = this.#links
      .screens()
      .filter(({ id }) => id !== this.id)
      .map((screen) => ({
        label: screen.title,
        badge: screen.badge?.(),
        open: () => this.#services.ui.show(screen.id),
      }));
    return [home, trash, ...others];
  }

  #openTrash(): void {
    this.#enter({ kind: 'trash' }, trashRows(this.#services), listStart);
  }

  async #filter(): Promise<void> {
    const before = this.#store.state.query;
    const typed = await this.#services.ui.ask({
      title: 'Filter this list',
      initial: before,
      hint: 'part of a name; * and ? stand for anything',
      onChange: (text) => this.#store.update((state) => change.withQuery(state, text)),
    });
    if (typed === undefined) this.#store.update((state) => change.withQuery(state, before));
  }

  #toMatch(step: 1 | -1): void {
    const { state } = this.#store;
    if (state.query === '') return this.#services.ui.say('there is no filter: / types one', 'warning');
    const extent = { count: state.rows.length, height: 1 };
    this.#store.set({
      ...state,
      list: { ...move(state.list, step === 1 ? 'down' : 'up', extent), top: state.list.top },
    });
  }

  async #sort(): Promise<void> {
    const { sorting, all } = this.#store.state;
    const choices = sortOrders.map((by) => ({
      label: by,
      value: by,
      detail:
        by === sorting.by
          ? sorting.isReversed
            ? 'as it is, reversed; again: as usual'
            : 'as it is; again: reversed'
          : '',
    }));
    const by = await this.#services.ui.choose({ title: 'Sort by', choices, canType: true });
    if (by === undefined) return;
    const isReversed = by === sorting.by && !sorting.isReversed;
    const { place } = this.#store.state;
    const rows = place.kind === 'folder' ? folderRows(this.#services.vault.tree, place.entry) : all;
    this.#store.update((state) => change.withSorting(state, { by, isReversed }, rows));
  }

  async #find(): Promise<void> {
    const { ui, vault } = this.#services;
    const query = await ui.ask({
      title: 'Find in the whole vault',
      hint: 'part of a name; * and ? stand for anything',
    });
    if (query === undefined || query.trim() === '') return;
    await ui.work('searching', async (signal) => {
      const { rows, isMore } = await findRows(vault.tree, query, signal);
      this.#enter({ kind: 'found', query, isMore }, rows, listStart);
    });
  }

  /** Something changed in the vault: the same place as it is now, or the nearest one that is still there. */
  #refresh(): void {
    const { tree } = this.#services.vault;
    const { place } = this.#store.state;
    if (place.kind === 'trash') return this.#store.update((state) => refreshRows(state, trashRows(this.#services)));
    if (place.kind === 'found') {
      const still = this.#store.state.all.filter(({ entry }) => tree.get(entry.entry) !== undefined);
      return this.#store.update((state) => refreshRows(state, still));
    }
    const folder = tree.get(place.entry.entry);
    if (folder?.kind !== 'directory') return this.#goUp(place);
    const names = tree.path(folder.entry) ?? [];
    const rows = folderRows(tree, folder);
    this.#store.update((state) => refreshRows({ ...state, place: { kind: 'folder', entry: folder, names } }, rows));
  }

  #goUp({ names }: Extract<Place, { kind: 'folder' }>): void {
    const { tree } = this.#services.vault;
    for (let length = names.length - 1; length >= 0; length -= 1) {
      const above = tree.lookup(names.slice(0, length));
      if (above?.kind !== 'directory') continue;
      this.goTo(above);
      return this.#services.ui.say(`${displayName(names.at(-1) ?? '')} was removed`, 'warning');
    }
  }

  #infoOf(row: Row | undefined): { readonly device: string | undefined; readonly versions: number } {
    if (row === undefined) return { device: undefined, versions: 0 };
    const { account, vault } = this.#services;
    const { device } = row.entry;
    const known = device === undefined ? undefined : account.devices().find((one) => equalBytes(one.device, device));
    return {
      device: known?.name,
      versions: row.entry.kind === 'file' ? vault.tree.versions(row.entry.entry).length : 0,
    };
  }
}

/** A view scrolls by lines; its end is where its content ends, which the drawing knows. */
function scroll(top: number, motion: Motion, height: number): number {
  const steps = {
    up: -1,
    down: 1,
    first: -top,
    last: height,
    halfUp: -Math.floor(height / 2),
    halfDown: Math.floor(height / 2),
  };
  return Math.max(0, top + steps[motion]);
}
