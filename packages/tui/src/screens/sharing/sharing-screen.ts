import { displayName, splitPath } from '@coffer/client';
import type { IncomingShare, OutgoingShare, Team } from '@coffer/client';
import { CofferError, equalBytes } from '@coffer/core';
import { listStart, move, settle } from '../../app/list-state.ts';
import type { ListState } from '../../app/list-state.ts';
import { motionOf } from '../../app/motions.ts';
import type { Ability, Screen, ScreenView, Space } from '../../app/screen.ts';
import { Store } from '../../app/store.ts';
import type { ActionId } from '../../keymap.ts';
import type { Services } from '../../services/services.ts';
import type { SharesState } from '../../services/shares.ts';
import { changeRole, shareEntry } from '../../services/share-entry.ts';
import { queueDownload } from '../../services/transfer-tasks.ts';
import { addMember, createTeam, leaveTeam, removeMember, teamShares } from '../../services/team-changes.ts';
import { comparedWords, findPerson } from '../../services/verify-person.ts';
import { pathOf, personOf, rowDetails, sharingRows, sharingView, titleOf } from './sharing-view.ts';
import type { SharingRow } from './sharing-view.ts';
import type { TeamFacts, TeamRow } from './team-rows.ts';

/** What the account shares with whom, what is shared with it, and the teams that it is in. */
export class SharingScreen implements Screen {
  readonly id = 'sharing';
  readonly title = 'Sharing';
  readonly #services: Services;
  readonly #openShare: (share: IncomingShare) => void;
  readonly #list = new Store<ListState>(listStart);
  #known: { readonly of: SharesState; readonly rows: readonly SharingRow[] } | undefined;

  readonly #facts: TeamFacts = {
    sharesOf: (team) => teamShares(this.#services, team),
    isSelf: ({ account }) => equalBytes(account, this.#services.account.info.account),
  };

  /** `openShare`: goes into what somebody shares. */
  constructor(services: Services, openShare: (share: IncomingShare) => void) {
    this.#services = services;
    this.#openShare = openShare;
    services.news.subscribe(() => void services.shares.refresh());
  }

  subscribe(listener: () => void): () => void {
    const ends = [this.#list.subscribe(listener), this.#services.shares.store.subscribe(listener)];
    return () => ends.forEach((end) => end());
  }

  enter(): void {
    void this.#services.shares.refresh();
  }

  view(space: Space): ScreenView {
    const { state } = this.#services.shares.store;
    return sharingView({ state, rows: this.#rows(), list: this.#list.state }, space);
  }

  can(action: ActionId): Ability {
    const { account } = this.#services;
    if (changes.has(action) && account.info.scope === 'worker') return 'an unattended device shares nothing';
    const here = this.#here();
    if (action === 'addMember') return this.#canAdd(here);
    if (!aboutRow.has(action)) return true;
    if (here === undefined) return 'there is no share under the cursor';
    if (here.kind === 'team' || here.kind === 'member') return this.#canTeam(action, here);
    if (action === 'changeRole' && here.kind === 'incoming')
      return `what you may do is ${personOf(here).username}'s to say`;
    if (action === 'saveShare' && here.kind === 'outgoing') return 'this is yours: s in Files saves it';
    return true;
  }

  #canAdd(here: SharingRow | undefined): Ability {
    const team = here === undefined ? undefined : teamOf(here);
    if (team === undefined) return 'this is no team: t makes one';
    return team.isOwn ? true : `${team.owner.username} manages this team`;
  }

  #canTeam(action: ActionId, here: TeamRow): Ability {
    if (action === 'open') return true;
    if (action !== 'unshare') return 'this is no share: who is in a team gets what is shared with it';
    const team = teamOf(here);
    if (!team.isOwn) return here.kind === 'team' || here.isSelf ? true : `${team.owner.username} manages this team`;
    if (here.kind === 'member' && !here.member.isOwner) return true;
    return 'you manage this team: take the others out, and take back what is shared with it';
  }

  run(action: ActionId, height: number): void {
    const motion = motionOf(action);
    if (motion !== undefined) {
      const extent = { count: this.#rows().length, height };
      return this.#list.update((list) => move(settle(list, extent), motion, extent));
    }
    if (action === 'back') return this.#services.ui.back();
    void this.#act(action).catch((error: unknown) => this.#services.ui.fail(error));
  }

  escape(): boolean {
    return false;
  }

  async #act(action: ActionId): Promise<void> {
    if (action === 'share') return await this.#share();
    const here = this.#here();
    if (action === 'verifyPerson') return await this.#verify(here);
    if (action === 'createTeam') return await createTeam(this.#services);
    if (here === undefined) return;
    if (here.kind === 'team' || here.kind === 'member') return await this.#actOnTeam(action, here);
    if (action === 'open' && here.kind === 'incoming') this.#openShare(here.share);
    else if (action === 'open')
      await this.#services.ui.read({ title: pathOf(here), lines: rowDetails(here).map(lineOf) });
    else if (action === 'unshare')
      await (here.kind === 'outgoing' ? this.#unshare(here.share) : this.#leave(here.share));
    else if (here.kind === 'incoming') await this.#save(here.share);
    else await changeRole(this.#services, here.share);
  }

  async #actOnTeam(action: ActionId, here: TeamRow): Promise<void> {
    const { ui, shares } = this.#services;
    if (action === 'addMember') return await addMember(this.#services, teamOf(here));
    if (action === 'unshare') return await this.#unteam(here);
    if (here.kind === 'team') await ui.work('asking who is in it', () => shares.lookInto(here.known.team));
    else await ui.read({ title: titleOf(here), lines: rowDetails(here).map(lineOf) });
  }

  async #unteam(here: TeamRow): Promise<void> {
    const team = teamOf(here);
    if (here.kind === 'team' || !team.isOwn) await leaveTeam(this.#services, team);
    else await removeMember(this.#services, { team, person: here.member.person });
  }

  async #share(): Promise<void> {
    const { ui, vault } = this.#services;
    const here = this.#here();
    const path = await ui.ask({
      title: 'Share what?',
      initial: here?.kind === 'outgoing' ? pathOf(here) : '/',
      hint: 'a path of your vault; m in Files shares what is under the cursor',
      check: (text) => this.#pathProblem(text),
    });
    const entry = path === undefined ? undefined : vault.tree.lookup(path);
    const team = here === undefined ? undefined : teamOf(here);
    const whom = team === undefined ? '' : `team:${team.name}`;
    if (path !== undefined && entry !== undefined)
      await shareEntry(this.#services, { entry, names: splitPath(path), whom });
  }

  #pathProblem(text: string): string | undefined {
    try {
      if (splitPath(text).length === 0) return 'name a file or folder of your vault, like /photos';
      return this.#services.vault.tree.lookup(text) === undefined ? 'there is nothing of that name' : undefined;
    } catch (error) {
      if (error instanceof CofferError) return error.message;
      throw error;
    }
  }

  async #unshare(share: OutgoingShare): Promise<void> {
    const { ui, shares } = this.#services;
    const { username } = share.member;
    const path = pathOf({ kind: 'outgoing', share });
    const others =
      shares.store.state.outgoing.filter(({ mount }) => equalBytes(mount.entry, share.mount.entry)).length - 1;
    const isAgreed = await ui.confirm({
      title: `Take ${path} back from ${username}`,
      lines: [
        `${username} gets nothing that is written there from now on: it has a new key.`,
        'What they have read or copied until now stays with them.',
        others === 0 ? 'Nobody else has it then.' : `Others who keep it: ${others}.`,
      ],
      yes: 'take it back',
    });
    if (!isAgreed) return;
    const isDone = await ui.work(`taking ${path} back`, (signal) => shares.unshare(share, signal));
    if (isDone) ui.say(`${username} no longer gets what is written in ${path}`, 'good');
  }

  async #leave(share: IncomingShare): Promise<void> {
    const { ui, shares } = this.#services;
    const path = pathOf({ kind: 'incoming', share });
    const isAgreed = await ui.confirm({
      title: `Leave ${path}`,
      lines: [
        `You no longer have it, on any device; only ${share.ownerName} can share it with you again.`,
        'What was saved to this machine stays.',
      ],
      yes: 'leave it',
    });
    if (!isAgreed) return;
    const isDone = await ui.work(`leaving ${path}`, (signal) => shares.leave(share, signal));
    if (isDone) ui.say(`you no longer have what ${share.ownerName} shared there`, 'good');
  }

  async #save({ vault, entry, name }: IncomingShare): Promise<void> {
    const { ui, local } = this.#services;
    const what = displayName(name);
    const typed = await ui.ask({
      title: `Save ${what} to`,
      initial: local.cwd,
      hint: 'a folder of this machine; ~ is yours',
    });
    if (typed === undefined) return;
    queueDownload(
      { ...this.#services, vault },
      { tree: vault.tree, items: [{ entry, name }], what, target: local.resolve(typed) },
    );
    ui.say(`saving ${what}: 2 shows how far`);
  }

  async #verify(here: SharingRow | undefined): Promise<void> {
    const { ui, shares } = this.#services;
    const name = await ui.ask({
      title: 'Compare words with whom?',
      initial: here === undefined ? '' : (personOf(here).voucher ?? personOf(here).username),
      check: (text) => (text.trim() === '' ? 'a name is needed' : undefined),
    });
    const person = name === undefined ? undefined : await findPerson(this.#services, name.trim());
    if (person === undefined || !(await comparedWords(this.#services, person))) return;
    ui.say(`${person.username} is verified on this device`, 'good');
    await shares.refresh();
  }

  #here(): SharingRow | undefined {
    const rows = this.#rows();
    return rows[Math.min(this.#list.state.cursor, rows.length - 1)];
  }

  /** Made once for what the server said last: they are asked for at every key and every frame. */
  #rows(): readonly SharingRow[] {
    const { state } = this.#services.shares.store;
    if (this.#known?.of !== state) this.#known = { of: state, rows: sharingRows(state, this.#facts) };
    return this.#known.rows;
  }
}

function teamOf(row: TeamRow): Team;
function teamOf(row: SharingRow): Team | undefined;
function teamOf(row: SharingRow): Team | undefined {
  if (row.kind === 'team') return row.known.team;
  return row.kind === 'member' ? row.team : undefined;
}

const changes = new Set<ActionId>(['share', 'unshare', 'changeRole', 'verifyPerson', 'createTeam', 'addMember']);
const aboutRow = new Set<ActionId>(['open', 'changeRole', 'unshare', 'saveShare']);

function lineOf({ text, role }: ReturnType<typeof rowDetails>[number]) {
  return role === undefined ? text : { text, role };
}
