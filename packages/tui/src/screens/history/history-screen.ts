import { CofferError, dayMs, equalBytes, idKey } from '@coffer/core';
import { displayName, restoreEntries } from '@coffer/client';
import type { Entry, EntryName, KeptVersion } from '@coffer/client';
import { listStart, move, settle } from '../../app/list-state.ts';
import { motionOf } from '../../app/motions.ts';
import type { Ability, Screen, ScreenView, Space } from '../../app/screen.ts';
import { Store } from '../../app/store.ts';
import type { ActionId } from '../../keymap.ts';
import { isPassing } from '../../services/passing.ts';
import type { Services } from '../../services/services.ts';
import { queueDownload } from '../../services/transfer-tasks.ts';
import { count, fullTime } from '../../terminal/format.ts';
import { momentsOf, noHistory, rowsAt } from './history-state.ts';
import type { HistoryRow, HistoryState } from './history-state.ts';
import { historyView, sliderRows } from './history-view.ts';

/** The versions of a file with the reason why each is there, and any folder at any moment. */
export class HistoryScreen implements Screen {
  readonly id = 'history';
  readonly title = 'History';
  /** Over the vault whose past is shown. */
  #services: Services;
  #endFollowing: () => void;
  readonly #store = new Store<HistoryState>(noHistory);

  constructor(services: Services) {
    this.#services = services;
    this.#endFollowing = services.live.changes.subscribe(() => this.#refresh());
  }

  subscribe(listener: () => void): () => void {
    return this.#store.subscribe(listener);
  }

  enter(): void {
    if (this.#store.state.kind === 'nothing') this.showFolder([]);
  }

  view(space: Space): ScreenView {
    return historyView({ state: this.#store.state, deviceOf: (kept) => this.#deviceOf(kept) }, space);
  }

  /** What the journal knows at once; what the server says of it when it answers. */
  showVersions(entry: Entry, names: readonly EntryName[], over: Services = this.#services): void {
    this.#over(over);
    const { vault, clock } = this.#services;
    const versions = vault.history.versions(entry.entry, clock.nowMs());
    this.#store.set({ kind: 'versions', entry, names, versions, list: listStart });
    void this.#ask(entry);
  }

  showFolder(names: readonly EntryName[], over: Services = this.#services): void {
    this.#over(over);
    const { tree } = this.#services.vault;
    const moments = momentsOf(tree);
    const at = Math.max(0, moments.length - 1);
    this.#store.set({
      kind: 'folder',
      names,
      moments,
      at,
      rows: rowsAt({ was: tree, now: tree }, names),
      list: listStart,
    });
  }

  /** From now on of another vault. */
  #over(services: Services): void {
    if (services === this.#services) return;
    this.#endFollowing();
    this.#services = services;
    this.#endFollowing = services.live.changes.subscribe(() => this.#refresh());
  }

  can(action: ActionId): Ability {
    const { state } = this.#store;
    if (timeActions.has(action)) return state.kind === 'folder' ? true : 'only folders go back in time: H on a folder';
    if (action === 'restoreThis') return this.#canRestore();
    if (action === 'purge') return state.kind === 'versions' ? true : 'only versions of a file can be destroyed';
    if (action === 'saveThis' && this.#count() === 0) return 'there is nothing under the cursor';
    return true;
  }

  run(action: ActionId, height: number): void {
    const motion = motionOf(action);
    const rows = this.#store.state.kind === 'folder' ? height - sliderRows : height;
    if (motion !== undefined) {
      const extent = { count: this.#count(), height: rows };
      return this.#store.update((state) => ({ ...state, list: move(settle(state.list, extent), motion, extent) }));
    }
    void this.#act(action).catch((error: unknown) => this.#services.ui.fail(error));
  }

  escape(): boolean {
    return false;
  }

  async #act(action: ActionId): Promise<void> {
    await this.#handlers[action]?.();
  }

  readonly #handlers: Partial<Record<ActionId, () => void | Promise<void>>> = {
    earlier: () => this.#slide((at) => at - 1),
    later: () => this.#slide((at) => at + 1),
    dayEarlier: () => this.#slideBy(-dayMs),
    dayLater: () => this.#slideBy(dayMs),
    toTime: () => this.#askTime(),
    open: () => this.#open(),
    back: () => this.#back(),
    restoreThis: () => this.#restore(),
    restoreAll: () => this.#restoreFolder(),
    saveThis: () => this.#save(),
    purge: () => this.#purge(),
  };

  #slide(step: (at: number) => number): void {
    const { state } = this.#store;
    if (state.kind !== 'folder') return;
    const at = Math.max(0, Math.min(state.moments.length - 1, step(state.at)));
    this.#store.set({ ...state, at, rows: this.#rowsAt(state.names, state.moments[at]?.seq) });
  }

  #slideBy(ms: number): void {
    const { state } = this.#store;
    const here = state.kind === 'folder' ? state.moments[state.at] : undefined;
    if (state.kind === 'folder' && here !== undefined) this.#slideTo(here.atMs + ms);
  }

  /** The last change up to a time. */
  #slideTo(ms: number): void {
    const { state } = this.#store;
    if (state.kind !== 'folder') return;
    const after = state.moments.findIndex(({ atMs }) => atMs > ms);
    this.#slide(() => (after < 0 ? state.moments.length - 1 : after - 1));
  }

  async #askTime(): Promise<void> {
    const { ui, parseTime } = this.#services;
    const text = await ui.ask({
      title: 'As it was when?',
      hint: '2026-11-20T18:00, 2h, 3d, "yesterday 18:00"',
      check: (typed) => {
        try {
          parseTime(typed);
          return undefined;
        } catch (error) {
          return error instanceof Error ? error.message : String(error);
        }
      },
    });
    if (text !== undefined) this.#slideTo(parseTime(text));
  }

  #open(): void {
    const { state } = this.#store;
    if (state.kind !== 'folder') return;
    const row = state.rows[state.list.cursor];
    if (row === undefined) return;
    const names = [...state.names, row.entry.name];
    if (row.entry.kind === 'file') return this.showVersions(row.entry, names);
    if (row.entry.kind !== 'directory') return;
    const { vault } = this.#services;
    const was = vault.tree.atSeq(state.moments[state.at]?.seq ?? vault.tree.seq);
    this.#store.set({ ...state, names, rows: rowsAt({ was, now: vault.tree }, names), list: listStart });
  }

  #back(): void {
    const { state } = this.#store;
    if (state.kind === 'nothing') return;
    const names = state.names.slice(0, -1);
    if (state.kind === 'versions') return this.showFolder(names);
    if (state.names.length > 0)
      this.#store.set({ ...state, names, rows: this.#rowsAt(names, state.moments[state.at]?.seq), list: listStart });
  }

  #canRestore(): Ability {
    const { state } = this.#store;
    if (state.kind === 'versions') {
      const kept = state.versions[state.list.cursor];
      if (kept === undefined) return 'there is no version';
      if (kept.state === 'current') return 'this is the current version already';
      return kept.state === 'expired' || kept.state === 'lost' ? 'this version is not there any more' : true;
    }
    const row = this.#row();
    if (row === undefined) return 'there is nothing under the cursor';
    return row.now === 'same' ? 'it is now as it was then' : true;
  }

  async #restore(): Promise<void> {
    const { state } = this.#store;
    if (state.kind === 'versions') {
      const kept = state.versions[state.list.cursor];
      if (kept !== undefined) await this.#restoreVersion(state, kept);
    } else if (state.kind === 'folder') {
      const row = this.#row();
      if (row !== undefined) await this.#restoreAt([...state.names, row.entry.name], state.moments[state.at]?.seq);
    }
  }

  async #restoreVersion(
    { entry, names }: Extract<HistoryState, { kind: 'versions' }>,
    { version }: KeptVersion,
  ): Promise<void> {
    const { ui, vault, live } = this.#services;
    const name = displayName(entry.name);
    const isAgreed = await ui.confirm({
      title: 'Restore a version',
      lines: [
        `Version ${version.version} of ${name} becomes the current one, as a new version.`,
        'The version that is current now stays in the list.',
      ],
      yes: 'restore it',
    });
    if (!isAgreed) return;
    const isDone = await ui.work('restoring', async (signal) => {
      const parent = vault.tree.lookup(names.slice(0, -1));
      if (parent === undefined)
        throw new CofferError('NOT_FOUND', 'the folder of the file was removed too', { hint: 'Restore that first.' });
      await using batch = vault.batch();
      await batch.copyFile(version, { parent: parent.entry, name: names.at(-1) ?? '', entry: entry.entry }, signal);
      refuse(await batch.commit(signal));
    });
    live.touch();
    if (isDone) ui.say(`version ${version.version} of ${name} is the current one again`, 'good');
  }

  async #restoreFolder(): Promise<void> {
    const { state } = this.#store;
    if (state.kind === 'folder') await this.#restoreAt(state.names, state.moments[state.at]?.seq);
  }

  /** A file or folder as it was at a position; nothing is removed or overwritten. */
  async #restoreAt(names: readonly EntryName[], seq: number | undefined): Promise<void> {
    const { ui, vault, live, clock } = this.#services;
    if (seq === undefined) return;
    const was = vault.tree.atSeq(seq);
    const when = fullTime(vault.tree.timeOf(seq) ?? 0);
    const isAgreed = await ui.confirm({
      title: 'Restore as it was',
      lines: [...this.#restorePlan(names, seq), 'What came later stays, and every version of before is still there.'],
      yes: `make it what it was on ${when}`,
    });
    if (!isAgreed) return;
    let text = '';
    const isDone = await ui.work('restoring', async (signal) => {
      await using batch = vault.batch();
      const { undeleted, changed, moved, copied } = await restoreEntries(
        { batch, now: vault.tree, was, names, nowMs: clock.nowMs() },
        signal,
      );
      refuse(await batch.commit(signal));
      text = `restored: ${undeleted} came back, ${changed} changed back, ${moved} moved back, ${copied} copied`;
    });
    live.touch();
    if (isDone) ui.say(text, 'good');
  }

  #restorePlan(names: readonly EntryName[], seq: number): string[] {
    const { tree } = this.#services.vault;
    const was = tree.atSeq(seq);
    const start = was.lookup(names);
    if (start === undefined) return ['It was not there.'];
    const counts = { gone: 0, changed: 0, same: 0 };
    for (const { entry } of was.walk(start.entry)) {
      const now = tree.get(entry.entry);
      if (now === undefined) counts.gone += 1;
      else if (entry.kind === 'file' && now.seq !== entry.seq) counts.changed += 1;
      else counts.same += 1;
    }
    const name = names.length === 0 ? 'Home' : displayName(names.at(-1) ?? '');
    return [
      `${name}: ${count(counts.gone, 'entry', 'entries')} come back, ${count(counts.changed, 'file')} get their old content, ${counts.same} stay.`,
    ];
  }

  async #save(): Promise<void> {
    const { state } = this.#store;
    const { ui, local, vault } = this.#services;
    if (state.kind === 'nothing') return;
    const entry = state.kind === 'versions' ? state.versions[state.list.cursor]?.version : this.#row()?.entry;
    if (entry === undefined) return;
    const what = `${displayName(entry.name)} ${state.kind === 'versions' ? `version ${entry.version}` : 'as it was'}`;
    const typed = await ui.ask({
      title: `Save ${what} to`,
      initial: local.cwd,
      hint: 'a folder of this machine; ~ is yours',
    });
    if (typed === undefined) return;
    const tree =
      state.kind === 'folder' ? vault.tree.atSeq(state.moments[state.at]?.seq ?? vault.tree.seq) : vault.tree;
    queueDownload(this.#services, { tree, items: [{ entry, name: entry.name }], what, target: local.resolve(typed) });
    ui.say(`saving ${what}: 2 shows how far`);
  }

  async #purge(): Promise<void> {
    const { state } = this.#store;
    if (state.kind !== 'versions') return;
    const kept = state.versions[state.list.cursor];
    const { ui, vault } = this.#services;
    if (kept === undefined) return;
    const waiting = state.versions.filter((one) => one.state === 'purging').map(({ version }) => version.seq);
    if (kept.state === 'purging') {
      const others = waiting.filter((seq) => seq !== kept.version.seq);
      await ui.work('keeping it after all', (signal) => vault.history.purge(state.entry.entry, others, signal));
      return void this.#ask(state.entry);
    }
    if (kept.state !== 'kept') return ui.say('only an old version that is kept can be destroyed', 'warning');
    const name = displayName(state.entry.name);
    const isAgreed = await ui.confirm({
      title: 'Destroy a version for ever',
      lines: [`In 7 days version ${kept.version.version} of ${name} is destroyed. Until then D again keeps it.`],
      yes: 'destroy it',
      word: name,
    });
    if (!isAgreed) return;
    await ui.work('asking', (signal) => vault.history.purge(state.entry.entry, [...waiting, kept.version.seq], signal));
    await this.#ask(state.entry);
  }

  async #ask(entry: Entry): Promise<void> {
    try {
      const versions = await this.#services.vault.history.ask(entry.entry);
      const { state } = this.#store;
      if (state.kind === 'versions' && equalBytes(state.entry.entry, entry.entry))
        this.#store.set({ ...state, versions });
    } catch (error) {
      if (!isPassing(error)) this.#services.ui.fail(error);
    }
  }

  #refresh(): void {
    const { state } = this.#store;
    const { vault } = this.#services;
    if (state.kind === 'versions') {
      const versions = vault.history.versions(state.entry.entry, this.#services.clock.nowMs());
      this.#store.set({ ...state, versions });
      void this.#ask(state.entry);
    } else if (state.kind === 'folder') {
      const wasLast = state.at === state.moments.length - 1;
      const moments = momentsOf(vault.tree);
      const at = wasLast ? Math.max(0, moments.length - 1) : Math.min(state.at, moments.length - 1);
      this.#store.set({ ...state, moments, at, rows: this.#rowsAt(state.names, moments[at]?.seq) });
    }
  }

  #rowsAt(names: readonly EntryName[], seq: number | undefined): readonly HistoryRow[] {
    const { tree } = this.#services.vault;
    return rowsAt({ was: seq === undefined ? tree : tree.atSeq(seq), now: tree }, names);
  }

  #row(): HistoryRow | undefined {
    const { state } = this.#store;
    return state.kind === 'folder' ? state.rows[state.list.cursor] : undefined;
  }

  #count(): number {
    const { state } = this.#store;
    if (state.kind === 'nothing') return 0;
    return state.kind === 'versions' ? state.versions.length : state.rows.length;
  }

  #deviceOf({ version: { device } }: KeptVersion): string {
    if (device === undefined) return '';
    const known = this.#services.account.devices().find((one) => equalBytes(one.device, device));
    return known?.name ?? idKey(device).slice(0, 8);
  }
}

const timeActions = new Set<ActionId>(['earlier', 'later', 'dayEarlier', 'dayLater', 'toTime', 'restoreAll']);

function refuse(reports: readonly { readonly refused: readonly { readonly error: CofferError }[] }[]): void {
  const refused = reports.flatMap((report) => report.refused)[0];
  if (refused !== undefined) throw refused.error;
}
