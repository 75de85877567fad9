import { equalBytes, idKey } from '@coffer/core';
import { displayName } from '@coffer/client';
import type { Entry, EntryName, IncomingShare } from '@coffer/client';
import { listStart, move } from '../../app/list-state.ts';
import type { ListState, Motion } from '../../app/list-state.ts';
import { motionOf } from '../../app/motions.ts';
import type { Ability, Screen, ScreenView, Space } from '../../app/screen.ts';
import { Store } from '../../app/store.ts';
import type { ActionId } from '../../keymap.ts';
import type { Volume } from '../../services/open-volume.ts';
import type { SharesState } from '../../services/shares.ts';
import type { Services } from '../../services/services.ts';
import { chooseShare } from './choose-share.ts';
import { FileCommands } from './file-commands.ts';
import { focusedRow, filesAt, moveToPlace, peel, refreshRows, settled } from './files-state.ts';
import * as change from './files-state.ts';
import type { FilesState, Place } from './files-state.ts';
import type { InfoFacts } from './info-lines.ts';
import { filesView } from './files-view.ts';
import type { FilesLinks } from './files-volumes.ts';
import { findRows, folderRows, trashRows } from './list-rows.ts';
import { PreviewKeeper } from './preview-keeper.ts';
import { sortOrders } from './rows.ts';
import type { Row } from './rows.ts';

/** Where one leads that is not in the vault. */
export interface VolumeLinks extends FilesLinks {
  /** Into a folder of the account's own that is shared. */
  readonly openMount: (names: readonly EntryName[]) => void;
  readonly openShare: (share: IncomingShare) => void;
  /** Back to the home vault. */
  readonly leave: () => void;
}

/** Browses a vault, its trash, and what was found in it; everything that is done with files begins here. */
export class FilesScreen implements Screen {
  readonly id = 'files';
  readonly title = 'Files';
  readonly #services: Services;
  readonly #volume: Volume;
  readonly #links: VolumeLinks;
  readonly #store: Store<FilesState>;
  readonly #commands: FileCommands;
  readonly #preview: PreviewKeeper;
  /** Where the cursor was in folders that were left. */
  readonly #left = new Map<string, ListState>();

  constructor(services: Services, volume: Volume, links: VolumeLinks) {
    this.#services = services;
    this.#volume = volume;
    this.#links = links;
    const { tree } = services.vault;
    const top = volume.top();
    const names = tree.path(top.entry) ?? [];
    this.#store = new Store(filesAt({ kind: 'folder', entry: top, names }, folderRows(tree, top)));
    this.#commands = new FileCommands(services, { store: this.#store, volume });
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
        shownPath: this.#volume.shown,
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
    this.goTop();
    return true;
  }

  goTop(): void {
    this.goTo(this.#volume.top());
  }

  /** Shows a folder; of anything else the folder that holds it, with the cursor on it. */
  goTo(target: Entry): void {
    const { tree } = this.#services.vault;
    const folder = target.kind === 'directory' ? target : (tree.get(target.parent) ?? this.#volume.top());
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
    if (row.kind === 'mount') return this.#links.openMount(this.#pathOf(row) ?? []);
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
    if (place.kind !== 'folder') return this.goTop();
    const top = this.#volume.top();
    if (equalBytes(place.entry.entry, top.entry)) return this.#volume.isHome ? undefined : this.#links.leave();
    this.goTo(tree.get(place.entry.parent) ?? top);
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
    const { history } = this.#links;
    const names = this.#pathOf(row);
    if (row?.entry.kind === 'file' && names !== undefined) history.showVersions(row.entry, names, this.#services);
    else if (row?.entry.kind === 'directory' && names !== undefined) history.showFolder(names, this.#services);
    else history.showFolder(state.place.kind === 'folder' ? state.place.names : [], this.#services);
    this.#services.ui.show('history');
  }

  #pathOf(row: Row | undefined): readonly EntryName[] | undefined {
    return row?.path ?? (row === undefined ? undefined : this.#services.vault.tree.path(row.entry.entry));
  }

  #places(): readonly { readonly label: string; readonly badge: string | undefined; readonly open: () => void }[] {
    const { isHome } = this.#volume;
    const home = { label: 'Home', badge: undefined, open: () => (isHome ? this.goTop() : this.#links.leave()) };
    const { length } = this.#services.shares.store.state.incoming;
    const shared = {
      label: 'Shared',
      badge: length === 0 ? undefined : String(length),
      open: () => this.#openShared(),
    };
    const trash = { label: 'Trash', badge: undefined, open: () => this.#openTrash() };
    const others = this.#links
      .screens()
      .filter(({ id }) => id !== this.id)
      .map((screen) => ({
        label: screen.title,
        badge: screen.badge?.(),
        open: () => this.#services.ui.show(screen.id),
      }));
    return [home, shared, trash, ...others];
  }

  #openShared(): void {
    const { ui } = this.#services;
    void chooseShare(this.#services, this.#links.openShare).catch((error: unknown) => ui.fail(error));
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

  #infoOf(row: Row | undefined): InfoFacts {
    if (row === undefined) return { device: undefined, versions: 0, sharedWith: [] };
    const { account, vault, shares } = this.#services;
    const { device } = row.entry;
    const known = device === undefined ? undefined : account.devices().find((one) => equalBytes(one.device, device));
    return {
      device: known?.name,
      versions: row.entry.kind === 'file' ? vault.tree.versions(row.entry.entry).length : 0,
      sharedWith: row.kind === 'mount' ? sharedWith(shares.store.state, row.entry) : [],
    };
  }
}

function sharedWith({ outgoing }: SharesState, { entry }: Entry): readonly string[] {
  return outgoing
    .filter(({ mount }) => equalBytes(mount.entry, entry))
    .map(({ member, role }) => `${member.username} ${role === 'read' ? 'reads' : 'writes'}`);
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
