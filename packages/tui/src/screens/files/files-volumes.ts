import { idKey } from '@coffer/core';
import type { IdKey } from '@coffer/core';
import { formatPath } from '@coffer/client';
import type { EntryName, IncomingShare } from '@coffer/client';
import type { Ability, Screen, ScreenView, Space } from '../../app/screen.ts';
import type { ActionId } from '../../keymap.ts';
import { homeVolume, servicesOver, sharedVolume } from '../../services/open-volume.ts';
import type { Shared } from '../../services/open-volume.ts';
import { isPassing } from '../../services/passing.ts';
import type { Services } from '../../services/services.ts';
import type { HistoryScreen } from '../history/history-screen.ts';
import { FilesScreen } from './files-screen.ts';

/** What Files needs of other screens: their names and what wants attention there. */
export interface FilesLinks {
  readonly screens: () => readonly Screen[];
  readonly history: Pick<HistoryScreen, 'showVersions' | 'showFolder'>;
}

interface Opened extends AsyncDisposable {
  readonly screen: FilesScreen;
}

/** The Files screen: the home vault, and every shared one that somebody went into, each with its own place and cursor. */
export class FilesVolumes implements Screen, AsyncDisposable {
  readonly id = 'files';
  readonly title = 'Files';
  readonly #services: Services;
  readonly #links: FilesLinks;
  readonly #home: FilesScreen;
  readonly #opened = new Map<IdKey, Opened>();
  readonly #listeners = new Set<() => void>();
  #current: FilesScreen;

  constructor(services: Services, links: FilesLinks) {
    this.#services = services;
    this.#links = links;
    this.#home = this.#add(services, homeVolume(services.vault));
    this.#current = this.#home;
    // What is shared, with whom, stands beside rows and in Places.
    services.shares.store.subscribe(() => this.#changed());
    if (services.account.info.scope === 'full') void services.shares.refresh();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#opened.values()].map((one) => one[Symbol.asyncDispose]()));
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  view(space: Space): ScreenView {
    return this.#current.view(space);
  }

  can(action: ActionId): Ability {
    return this.#current.can(action);
  }

  run(action: ActionId, height: number): void {
    this.#current.run(action, height);
  }

  escape(): boolean {
    return this.#current.escape();
  }

  /** Goes into what somebody shares. */
  openShare({ vault, ownerName, name, ...share }: IncomingShare): void {
    this.#enter({ vault, above: ['Shared', ownerName, name], share: { vault, ownerName, name, ...share } });
  }

  #add(services: Services, volume: ReturnType<typeof homeVolume>): FilesScreen {
    const screen = new FilesScreen(services, volume, {
      ...this.#links,
      openMount: (names) => void this.#openMount(names),
      openShare: (share) => this.openShare(share),
      leave: () => this.#show(this.#home),
    });
    screen.subscribe(() => this.#changed());
    return screen;
  }

  async #openMount(names: readonly EntryName[]): Promise<void> {
    const { ui, account } = this.#services;
    let place: Shared | undefined;
    await ui.work('opening what is shared', async (signal) => {
      const { vault, share } = await account.places.resolve(formatPath(names), {}, signal);
      place = { vault, above: names, share };
    });
    if (place !== undefined) this.#enter(place);
  }

  #enter(shared: Shared): void {
    const key = idKey(shared.vault.id);
    const { screen } = this.#opened.get(key) ?? this.#open(key, shared);
    screen.goTop();
    this.#show(screen);
    this.#services.ui.show('files');
  }

  #open(key: IdKey, shared: Shared): Opened {
    const owner = new AsyncDisposableStack();
    const onProblem = (error: unknown): void => this.#lost(key, error);
    const services = servicesOver(this.#services, { vault: shared.vault, owner, onProblem });
    const opened = {
      screen: this.#add(services, sharedVolume(shared)),
      [Symbol.asyncDispose]: () => owner.disposeAsync(),
    };
    this.#opened.set(key, opened);
    return opened;
  }

  /** It was taken back, or cannot be trusted any more. */
  #lost(key: IdKey, error: unknown): void {
    const { ui } = this.#services;
    ui.fail(error);
    const opened = this.#opened.get(key);
    if (opened === undefined || isPassing(error)) return;
    this.#opened.delete(key);
    if (this.#current === opened.screen) this.#show(this.#home);
    void Promise.resolve(opened[Symbol.asyncDispose]()).catch((problem: unknown) => ui.fail(problem));
  }

  #show(screen: FilesScreen): void {
    this.#current = screen;
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
