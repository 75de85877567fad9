import { CofferError } from '@coffer/core';
import { move, settle } from '../../app/list-state.ts';
import { motionOf } from '../../app/motions.ts';
import type { Ability, Screen, ScreenView, Space } from '../../app/screen.ts';
import { Store } from '../../app/store.ts';
import type { ActionId } from '../../keymap.ts';
import { ServerDesk } from '../../services/server-desk.ts';
import { ServerLog } from '../../services/server-log.ts';
import type { Services } from '../../services/services.ts';
import { adminRowDetails } from './admin-rows.ts';
import { adminStart, hold, rowsOf, turn, waitingIn, withList } from './admin-state.ts';
import type { AdminData, AdminRow, AdminState, Section } from './admin-state.ts';
import { adminView, headRows } from './admin-view.ts';
import { decide } from './request-commands.ts';
import { runServerTask } from './server-commands.ts';
import { changeUser, invite, showUser } from './user-commands.ts';
import { acknowledge, askLogAccount, askLogCategory, endSession, withdrawInvite } from './watch-commands.ts';

/** What the commands of the screen work with. */
export interface AdminParts {
  readonly services: Services;
  readonly desk: ServerDesk;
  readonly log: ServerLog;
  /** Aborted with the screen: for work that the person does not wait for. */
  readonly ended: AbortSignal;
}

/** The server as its administrator sees it: people, what they ask, who is there, what goes on. */
export class AdminScreen implements Screen, AsyncDisposable {
  readonly id = 'admin';
  readonly title = 'Administration';
  readonly #parts: AdminParts;
  readonly #store = new Store<AdminState>(adminStart);
  readonly #ended = new AbortController();
  #isInSight = false;
  #known: { readonly about: unknown; readonly section: Section; readonly rows: readonly AdminRow[] } | undefined;

  constructor(services: Services) {
    const { account, clock, ui } = services;
    const onProblem = (error: unknown): void => ui.fail(error);
    const { server } = account;
    const desk = new ServerDesk({ server, clock, onProblem });
    this.#parts = {
      services,
      desk,
      log: new ServerLog({ watch: server.watch, clock, onProblem }),
      ended: this.#ended.signal,
    };
    // Before anything is drawn: under the cursor stays what was there.
    for (const store of [desk.store, this.#parts.log.store]) store.subscribe(() => this.#hold());
    services.news.subscribe(() => this.#look());
    this.#look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort(new CofferError('CANCELLED', 'closed'));
    await this.#parts.desk[Symbol.asyncDispose]();
    await this.#parts.log[Symbol.asyncDispose]();
  }

  subscribe(listener: () => void): () => void {
    const { desk, log } = this.#parts;
    const ends = [this.#store, desk.store, log.store].map((store) => store.subscribe(listener));
    return () => ends.forEach((end) => end());
  }

  enter(): void {
    this.#isInSight = true;
    this.#parts.desk.tryAgain();
    this.#look();
    this.#watch();
  }

  leave(): void {
    this.#isInSight = false;
    this.#watch();
  }

  view(space: Space): ScreenView {
    return adminView(this.#store.state, { data: this.#data, rows: this.#rows() }, space);
  }

  badge(): string | undefined {
    const waiting = waitingIn('requests', this.#data) + waitingIn('alerts', this.#data);
    return waiting === 0 ? undefined : `! ${waiting}`;
  }

  can(action: ActionId): Ability {
    const { section } = this.#store.state;
    const wanted = sectionsOf[action];
    if (action === 'look' && this.#here() === undefined) return 'there is nothing under the cursor';
    if (wanted === undefined) return true;
    if (!wanted.includes(section)) return `not here: Tab goes to ${wanted.join(' or ')}`;
    if (action === 'invite' || aboutLog.has(action)) return true;
    const here = this.#here();
    if (here === undefined) return 'there is nothing under the cursor';
    return abilityOn(here);
  }

  run(action: ActionId, height: number): void {
    const motion = motionOf(action);
    if (motion !== undefined) {
      const { state } = this.#store;
      const extent = { count: this.#rows().length, height: height - headRows };
      const list = move(settle(state.lists[state.section], extent), motion, extent);
      return this.#store.set(withList(state, list, this.#rows()));
    }
    if (action === 'nextSection') return this.#turn(1);
    if (action === 'previousSection') return this.#turn(-1);
    void this.#act(action).catch((error: unknown) => this.#parts.services.ui.fail(error));
  }

  escape(): boolean {
    return false;
  }

  async #act(action: ActionId): Promise<void> {
    const parts = this.#parts;
    if (action === 'invite') return await invite(parts);
    if (action === 'logCategory') return await askLogCategory(parts);
    if (action === 'logAccount') return await askLogAccount(parts);
    const here = this.#here();
    if (here !== undefined) await this.#about(action, here);
  }

  async #about(action: ActionId, here: AdminRow): Promise<void> {
    const parts = this.#parts;
    if (here.section === 'users')
      return await (action === 'look' ? showUser(parts, here.user) : changeUser(parts, action, here.user));
    if (action === 'look' && here.section === 'server') return await runServerTask(parts, here.row);
    if (action === 'look') return await this.#read(here);
    if (here.section === 'requests') await decide(parts, action, here.request);
    else if (here.section === 'sessions') await endSession(parts, here.session);
    else if (here.section === 'invites') await withdrawInvite(parts, here.invite);
    else if (here.section === 'alerts') await acknowledge(parts, here.alert);
  }

  async #read(here: AdminRow): Promise<void> {
    const { ui, clock } = this.#parts.services;
    const [title, ...details] = adminRowDetails(here, { nowMs: clock.nowMs() });
    const lines = details.map(({ text, role }) => (role === undefined ? text : { text, role }));
    await ui.read({ title: title?.text ?? '', lines });
  }

  #turn(by: 1 | -1): void {
    this.#store.update((state) => turn(state, by));
    this.#hold();
    this.#watch();
  }

  /** The list in sight is kept up to date, the log followed while it is in sight. */
  #watch(): void {
    const { desk, log } = this.#parts;
    const { section } = this.#store.state;
    const isLog = this.#isInSight && section === 'log';
    if (isLog) log.follow();
    else log.stop();
    desk.watch(this.#isInSight && section !== 'log' ? listOf[section] : undefined);
  }

  /** What waits for a decision is known wherever the person is. */
  #look(): void {
    void this.#parts.desk.refresh('requests');
    void this.#parts.desk.refresh('alerts');
  }

  get #data(): AdminData {
    const { desk, log } = this.#parts;
    return { lists: desk.store.state, log: log.store.state, isDenied: desk.isDenied };
  }

  #hold(): void {
    this.#store.update((state) => hold(state, this.#rows()));
  }

  /** Made once for what the server said last: they are asked for at every key and every frame. */
  #rows(): readonly AdminRow[] {
    const { section } = this.#store.state;
    const about = section === 'log' ? this.#data.log.lines : this.#data.lists;
    if (this.#known?.about !== about || this.#known.section !== section)
      this.#known = { about, section, rows: rowsOf(section, this.#data) };
    return this.#known.rows;
  }

  #here(): AdminRow | undefined {
    const rows = this.#rows();
    const { lists, section } = this.#store.state;
    return rows[Math.min(lists[section].cursor, rows.length - 1)];
  }
}

const listOf = {
  users: 'users',
  requests: 'requests',
  sessions: 'sessions',
  alerts: 'alerts',
  invites: 'invites',
  server: 'status',
} as const;

/** Where an action is about something. */
const sectionsOf: Partial<Record<ActionId, readonly Section[]>> = {
  invite: ['users', 'invites'],
  userQuota: ['users'],
  userState: ['users'],
  userRole: ['users'],
  userRemove: ['users'],
  approve: ['requests'],
  reject: ['requests'],
  endThis: ['sessions', 'invites'],
  acknowledge: ['alerts'],
  logCategory: ['log'],
  logAccount: ['log'],
};
const aboutLog = new Set<ActionId>(['logCategory', 'logAccount']);

function abilityOn(here: AdminRow): Ability {
  if (here.section === 'requests' && here.request.state !== 'open') return `it is ${here.request.state}`;
  if (here.section === 'alerts' && here.alert.acknowledgedMs !== null) return 'somebody has looked at it already';
  if (here.section === 'invites' && here.invite.usedAtMs !== null) return 'it was used';
  return true;
}
