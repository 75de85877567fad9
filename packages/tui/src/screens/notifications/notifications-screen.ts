import { secondMs } from '@coffer/core';
import { notificationText } from '@coffer/client';
import type { Notification } from '@coffer/client';
import { listPane } from '../../app/list-pane.ts';
import { listStart, move, settle } from '../../app/list-state.ts';
import type { ListState } from '../../app/list-state.ts';
import { motionOf } from '../../app/motions.ts';
import type { Ability, Screen, ScreenView, Space } from '../../app/screen.ts';
import { Store } from '../../app/store.ts';
import type { ActionId } from '../../keymap.ts';
import { isPassing } from '../../services/passing.ts';
import type { Services } from '../../services/services.ts';
import { count, shortTime } from '../../terminal/format.ts';

interface NotificationsState {
  /** Newest first. */
  readonly all: readonly Notification[];
  readonly list: ListState;
}

/** Between two tries to listen. */
const retryMs = 5 * secondMs;

/** What the account was told; new ones appear, and are said at the lower edge, as they come. */
export class NotificationsScreen implements Screen, AsyncDisposable {
  readonly id = 'notifications';
  readonly title = 'Notifications';
  readonly #services: Services;
  readonly #store = new Store<NotificationsState>({ all: [], list: listStart });
  readonly #ended = new AbortController();
  readonly #listening: Promise<void>;
  /** Those that came while nobody was there. */
  #missed = 0;

  constructor(services: Services) {
    this.#services = services;
    services.covered.subscribe(() => this.#catchUp());
    this.#listening = services.account.info.scope === 'full' ? this.#listen() : Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#listening;
  }

  subscribe(listener: () => void): () => void {
    return this.#store.subscribe(listener);
  }

  enter(): void {
    void this.#refresh();
  }

  view(space: Space): ScreenView {
    const { all, list } = this.#store.state;
    const rows = all.map((one) => ({
      text: `${one.read ? ' ' : space.theme.glyphs.mark} ${this.#textOf(one)}`,
      note: `${one.read ? 'read' : 'new'}  ${shortTime(one.atMs, space.nowMs)}`,
      role: one.read ? ('dim' as const) : ('warning' as const),
    }));
    const title = `Notifications (${this.#unread} new)`;
    return {
      crumbs: ['Notifications'],
      panes: [listPane({ title, rows, list, empty: 'nothing happened' }, space, space.columns)],
    };
  }

  badge(): string | undefined {
    return this.#unread === 0 ? undefined : String(this.#unread);
  }

  can(action: ActionId): Ability {
    if (this.#services.account.info.scope !== 'full') return 'an unattended device is told nothing';
    if (action === 'readOne' || action === 'open')
      return this.#here() === undefined ? 'there is nothing to read' : true;
    return true;
  }

  run(action: ActionId, height: number): void {
    const motion = motionOf(action);
    if (motion !== undefined) {
      const extent = { count: this.#store.state.all.length, height };
      return this.#store.update((state) => ({ ...state, list: move(settle(state.list, extent), motion, extent) }));
    }
    if (action === 'back') return this.#services.ui.back();
    void this.#act(action).catch((error: unknown) => this.#services.ui.fail(error));
  }

  escape(): boolean {
    return false;
  }

  async #act(action: ActionId): Promise<void> {
    const { account, ui } = this.#services;
    const here = this.#here();
    if (action === 'readAll') await ui.work('marking all', (signal) => account.notifications.readAll(signal));
    else if (here !== undefined) {
      if (action === 'open') await ui.read({ title: 'Notification', lines: [this.#textOf(here)] });
      if (!here.read)
        await ui.work('marking it', async (signal) => void (await account.notifications.read(here.id, signal)));
    }
    await this.#refresh();
  }

  async #listen(): Promise<void> {
    const { account, clock } = this.#services;
    const { signal } = this.#ended;
    let seen: number | undefined;
    while (!signal.aborted) {
      try {
        // What was there before is no news; whatever comes after is, be it the first.
        seen ??= await this.#newest(signal);
        for await (const one of account.notifications.watch(signal)) {
          if (one.id > seen) this.#tell(one);
          seen = Math.max(seen, one.id);
          await this.#refresh();
        }
      } catch {
        // The server is away, which the header says.
        await clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
  }

  #tell(one: Notification): void {
    const { ui, news, covered } = this.#services;
    if (covered.state) {
      this.#missed += 1;
      return;
    }
    ui.say(this.#textOf(one), 'warning');
    news.update((number) => number + 1);
  }

  /** Somebody is there again: what was not looked up for nobody is now. */
  #catchUp(): void {
    const { ui, news, covered } = this.#services;
    if (covered.state || this.#missed === 0) return;
    ui.say(`${count(this.#missed, 'notification')} came meanwhile: 6 shows them`, 'warning');
    this.#missed = 0;
    news.update((number) => number + 1);
  }

  /** Read or not. */
  async #newest(signal: AbortSignal): Promise<number> {
    const { notifications } = await this.#services.account.notifications.list(signal);
    this.#store.update((state) => ({ ...state, all: notifications }));
    return notifications.reduce((newest, { id }) => Math.max(newest, id), 0);
  }

  async #refresh(): Promise<void> {
    if (this.#services.account.info.scope !== 'full') return;
    try {
      await this.#newest(this.#ended.signal);
    } catch (error) {
      if (!isPassing(error)) this.#services.ui.fail(error);
    }
  }

  #textOf(one: Notification): string {
    return notificationText(one, { devices: this.#services.account.devices() });
  }

  #here(): Notification | undefined {
    const { all, list } = this.#store.state;
    return all[Math.min(list.cursor, all.length - 1)];
  }

  get #unread(): number {
    return this.#store.state.all.filter(({ read }) => !read).length;
  }
}
