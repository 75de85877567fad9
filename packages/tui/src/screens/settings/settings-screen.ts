import { logout } from '@coffer/client';
import type { RetentionPolicy } from '@coffer/client';
import { equalBytes } from '@coffer/core';
import { detailPane, listPane } from '../../app/list-pane.ts';
import { listStart, move, settle } from '../../app/list-state.ts';
import type { ListState } from '../../app/list-state.ts';
import { motionOf } from '../../app/motions.ts';
import type { Ability, Screen, ScreenView, Space } from '../../app/screen.ts';
import { Store } from '../../app/store.ts';
import type { ActionId } from '../../keymap.ts';
import type { SettingsAct } from '../../keymap/row-acts.ts';
import { isPassing } from '../../services/passing.ts';
import type { Services } from '../../services/services.ts';
import { count, fullTime } from '../../terminal/format.ts';
import { changePassword, changeUsername, withdrawRequests } from './credential-commands.ts';
import { revokeShown } from './device-commands.ts';
import { showFindings } from './show-findings.ts';
import { settingsRows } from './settings-state.ts';
import type { SettingsRow, SettingsState } from './settings-state.ts';

/** The account, its devices, what is kept and for how long, and a check of everything. */
export class SettingsScreen implements Screen {
  readonly id = 'settings';
  readonly title = 'Settings';
  readonly #services: Services;
  readonly #store: Store<SettingsState>;
  readonly #list = new Store<ListState>(listStart);

  constructor(services: Services) {
    this.#services = services;
    const { account, profile } = services;
    this.#store = new Store<SettingsState>({
      info: account.info,
      keystore: profile.requireRecord().keystore,
      usage: undefined,
      retention: undefined,
      devices: account.devices(),
      requests: [],
    });
    services.news.subscribe(() => void this.#refresh());
  }

  subscribe(listener: () => void): () => void {
    const ends = [this.#list.subscribe(listener), this.#store.subscribe(listener)];
    return () => ends.forEach((end) => end());
  }

  enter(): void {
    void this.#refresh();
  }

  view(space: Space): ScreenView {
    const rows = settingsRows(this.#store.state);
    const list = this.#list.state;
    const left = space.panes === 1 ? space.columns : Math.floor(space.columns * 0.6);
    const here = rows[Math.min(list.cursor, rows.length - 1)];
    const panes = [listPane({ title: 'Settings', rows, list, empty: '' }, space, left)];
    if (left < space.columns) {
      const details = here === undefined ? [] : [{ text: here.detail }];
      panes.push(detailPane(here?.text ?? '', details, { space, width: space.columns - left }));
    }
    return { crumbs: ['Settings'], panes };
  }

  can(action: ActionId): Ability {
    if (action === 'open' && this.#here()?.act === undefined) return 'this is only to read';
    if (action === 'revokeDevice' && this.#here()?.device === undefined)
      return 'only another device of yours that is signed in is revoked here';
    return true;
  }

  run(action: ActionId, height: number): void {
    const motion = motionOf(action);
    if (motion !== undefined) {
      const extent = { count: settingsRows(this.#store.state).length, height };
      return this.#list.update((list) => move(settle(list, extent), motion, extent));
    }
    if (action === 'back') return this.#services.ui.back();
    const here = this.#here();
    if (action === 'revokeDevice' && here?.device !== undefined)
      return void revokeShown(this.#services, here.device).catch((error: unknown) => this.#services.ui.fail(error));
    const act = action === 'open' ? here?.act : undefined;
    if (act !== undefined) void this.#acts[act]().catch((error: unknown) => this.#services.ui.fail(error));
  }

  escape(): boolean {
    return false;
  }

  readonly #acts: Readonly<Record<SettingsAct, () => Promise<void>>> = {
    username: () => changeUsername(this.#services),
    password: () => changePassword(this.#services).then(() => this.#refresh()),
    withdraw: () => withdrawRequests(this.#services).then(() => this.#refresh()),
    policy: () => this.#setPolicy(),
    hold: () => this.#setHold(),
    verify: () => this.#verify(),
    examine: () => showFindings(this.#services),
    logout: () => this.#signOut(),
  };

  #here(): SettingsRow | undefined {
    const rows = settingsRows(this.#store.state);
    return rows[Math.min(this.#list.state.cursor, rows.length - 1)];
  }

  async #refresh(): Promise<void> {
    const { account, vault, ui } = this.#services;
    try {
      const isFull = account.info.scope === 'full';
      const [usage, retention, devices, requests] = await Promise.all([
        account.usage(),
        vault.history.retention(),
        isFull ? account.ownDevices.list() : account.refreshDevices(),
        isFull ? account.credentials.requests() : [],
      ]);
      this.#update({ usage, retention, devices, requests });
    } catch (error) {
      if (!isPassing(error)) ui.fail(error);
    }
  }

  /** Rows that come or go do not put another one under the cursor. */
  #update(learned: Pick<SettingsState, 'usage' | 'retention' | 'devices' | 'requests'>): void {
    const here = this.#here();
    this.#store.update((state) => ({ ...state, ...learned }));
    const rows = settingsRows(this.#store.state);
    const { cursor } = this.#list.state;
    const at =
      here === undefined || isSameRow(rows[cursor], here) ? cursor : rows.findIndex((row) => isSameRow(row, here));
    if (at >= 0) this.#list.update((list) => ({ ...list, cursor: at }));
  }

  async #setPolicy(): Promise<void> {
    const { ui, vault } = this.#services;
    const before = this.#store.state.retention;
    if (before === undefined) return;
    const last = before.pending?.policy ?? before.policy;
    const typed = await ui.ask({
      title: 'Keep how many versions, others how many days, the trash how many days?',
      initial: `${last.versions} ${last.days} ${last.trashDays}`,
      check: (text) => (policyOf(text) === undefined ? 'three whole numbers, like 5 90 30' : undefined),
    });
    const policy = typed === undefined ? undefined : policyOf(typed);
    if (policy === undefined) return;
    const { expiring } = await vault.history.retention(policy);
    const dropped = Math.max(0, expiring.versions - before.expiring.versions);
    const isAgreed = await ui.confirm({
      title: 'Change what is kept',
      lines: [
        `${policy.versions} versions, others ${policy.days} days, the trash ${policy.trashDays} days.`,
        dropped > 0
          ? `${count(dropped, 'version')} that are kept now would be dropped for good, after 7 days; until then it can be changed back.`
          : 'Nothing that is kept now is dropped.',
      ],
      yes: 'change it',
    });
    if (!isAgreed) return;
    await ui.work('changing what is kept', (signal) => vault.history.setPolicy(policy, signal));
    await this.#refresh();
  }

  async #setHold(): Promise<void> {
    const { ui, account } = this.#services;
    const on = this.#store.state.retention?.hold.on !== true;
    const reason = on ? await ui.ask({ title: 'Hold everything: why?', hint: 'for whoever looks later' }) : '';
    if (reason === undefined) return;
    await ui.work(on ? 'holding' : 'ending the hold', async (signal) => {
      const { endsAtMs } = await account.hold({ on, reason }, signal);
      ui.say(endsAtMs === null ? 'nothing is dropped any more' : `it ends on ${fullTime(endsAtMs)}`);
    });
    await this.#refresh();
  }

  async #verify(): Promise<void> {
    const { ui, vault } = this.#services;
    let problems: readonly string[] = [];
    let summary = '';
    const isDone = await ui.work('checking everything', async (signal) => {
      const report = await vault.verify([vault.tree.root().entry], {}, signal);
      problems = report.problems.map(({ path, error }) => `${path.map(String).join('/')}: ${error.message}`);
      summary = `${count(report.files, 'file')} checked, ${problems.length} damaged`;
    });
    if (!isDone) return;
    if (problems.length === 0) return ui.say(summary, 'good');
    await ui.read({ title: summary, lines: problems });
  }

  async #signOut(): Promise<void> {
    const { ui, profile, askPassword, quit } = this.#services;
    const isAgreed = await ui.confirm({
      title: 'Sign out',
      lines: [
        'This device is revoked; its keys and what it knows of the vault are removed from this machine.',
        'Files stay, here and in the vault.',
      ],
      yes: 'sign out',
      word: 'sign out',
    });
    if (!isAgreed) return;
    const isDone = await ui.work('signing out', async (signal) => {
      await logout({ profile, unlock: askPassword, signal });
    });
    if (isDone) quit();
  }
}

function isSameRow(row: SettingsRow | undefined, { text, device }: SettingsRow): boolean {
  if (row?.text !== text) return false;
  return device === undefined || row.device === undefined || equalBytes(row.device.device, device.device);
}

function policyOf(text: string): RetentionPolicy | undefined {
  const match = /^\s*(\d{1,5})[\s,]+(\d{1,5})[\s,]+(\d{1,5})\s*$/.exec(text);
  if (match === null) return undefined;
  const [versions = 0, days = 0, trashDays = 0] = match.slice(1).map(Number);
  const isInRange = versions >= 1 && versions <= 10_000 && days <= 36_500 && trashDays >= 1 && trashDays <= 36_500;
  return isInRange ? { versions, days, trashDays } : undefined;
}
