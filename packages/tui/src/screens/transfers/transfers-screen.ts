import { listStart, move, settle } from '../../app/list-state.ts';
import { motionOf } from '../../app/motions.ts';
import type { Ability, Screen, ScreenView, Space } from '../../app/screen.ts';
import { Store } from '../../app/store.ts';
import type { ActionId } from '../../keymap.ts';
import type { Services } from '../../services/services.ts';
import type { Transfer, TransferState } from '../../services/transfers.ts';
import { inOrder, transfersView } from './transfers-view.ts';
import type { TransfersState } from './transfers-view.ts';

/** What goes up and down: each can be paused, gone on with, tried again, cancelled. */
export class TransfersScreen implements Screen {
  readonly id = 'transfers';
  readonly title = 'Transfers';
  readonly #services: Services;
  readonly #store: Store<TransfersState>;

  constructor(services: Services) {
    this.#services = services;
    const { store } = services.transfers;
    this.#store = new Store<TransfersState>({ all: store.state, list: listStart });
    store.subscribe(() => this.#store.update((state) => ({ ...state, all: store.state })));
  }

  subscribe(listener: () => void): () => void {
    return this.#store.subscribe(listener);
  }

  view(space: Space): ScreenView {
    return transfersView(this.#store.state, space);
  }

  badge(): string | undefined {
    const { length } = this.#services.transfers.active;
    return length === 0 ? undefined : String(length);
  }

  can(action: ActionId): Ability {
    const one = this.#here();
    const states = possible[action];
    if (states === undefined) return true;
    if (one === undefined) return 'there is no transfer';
    return states.includes(one.state) ? true : `it is ${one.state}`;
  }

  run(action: ActionId, height: number): void {
    const { transfers } = this.#services;
    const motion = motionOf(action);
    if (motion !== undefined) return this.#move(motion, height);
    if (action === 'back') return this.#services.ui.back();
    if (action === 'clearDone') return transfers.clear();
    const one = this.#here();
    if (one === undefined) return;
    if (action === 'cancelTransfer') transfers.cancel(one.id);
    else if (action === 'retry') transfers.resume(one.id);
    else if (action === 'pause') {
      if (one.state === 'paused') transfers.resume(one.id);
      else transfers.pause(one.id);
    } else if (action === 'open') void this.#showErrors(one);
  }

  escape(): boolean {
    return false;
  }

  #move(motion: Parameters<typeof move>[1], height: number): void {
    const extent = { count: this.#store.state.all.length, height: Math.max(1, Math.floor(height / 2)) };
    this.#store.update((state) => ({ ...state, list: move(settle(state.list, extent), motion, extent) }));
  }

  #here(): Transfer | undefined {
    const { all, list } = this.#store.state;
    return inOrder(all)[Math.min(list.cursor, all.length - 1)];
  }

  async #showErrors({ what, error, report }: Transfer): Promise<void> {
    const paths = (report?.errors ?? []).map(({ path, message }) => `${path}: ${message}`);
    const lines = paths.length > 0 ? paths : [error ?? 'nothing failed'];
    await this.#services.ui.read({ title: what, lines });
  }
}

const possible: Partial<Record<ActionId, readonly TransferState[]>> = {
  pause: ['waiting', 'running', 'paused'],
  retry: ['failed', 'cancelled', 'paused'],
  cancelTransfer: ['waiting', 'running', 'paused'],
};
