import { isCofferError } from '@coffer/core';
import type { ClientConnection } from '@coffer/protocol';
import type { Connections } from '../connection/connections.ts';
import type { Notification, NotificationPage, Notifications } from './notification.ts';

/** {@link Notifications} over the connections of a device. Told of events by {@link arrived} and {@link onControl}. */
export class AccountNotifications implements Notifications {
  readonly #connections: () => Connections;
  readonly #wakes = new Set<() => void>();

  constructor(connections: () => Connections) {
    this.#connections = connections;
  }

  async list(signal?: AbortSignal): Promise<NotificationPage> {
    return this.#after(0, signal);
  }

  async read(id: number, signal?: AbortSignal): Promise<number> {
    return this.#run(
      (one) => one.request('notification.read', { first: id, last: id }, optionsOf(signal)),
      signal,
    ).then(({ unread }) => unread);
  }

  async readAll(signal?: AbortSignal): Promise<void> {
    const newest = (await this.list(signal)).notifications[0];
    if (newest === undefined) return;
    const range = { first: 0, last: newest.id };
    try {
      await this.#run((one) => one.request('notification.read', range, optionsOf(signal)), signal);
    } catch (error) {
      // The only one there was has become a newer one: that is for the next time.
      if (!isCofferError(error, 'NOT_FOUND')) throw error;
    }
  }

  async *watch(signal?: AbortSignal): AsyncGenerator<Notification> {
    const news = { isThere: true, wake: (): void => undefined };
    const told = (): void => {
      news.isThere = true;
      news.wake();
    };
    this.#wakes.add(told);
    signal?.addEventListener('abort', told);
    try {
      for (let seen = 0; ;) {
        signal?.throwIfAborted();
        news.isThere = false;
        for (const one of (await this.#after(seen, signal)).notifications.toReversed()) {
          if (!one.read) yield one;
          seen = one.id;
        }
        await new Promise<void>((resolve) => {
          news.wake = resolve;
          if (news.isThere) resolve();
        });
      }
    } finally {
      signal?.removeEventListener('abort', told);
      this.#wakes.delete(told);
    }
  }

  /** `notification.arrived`. */
  arrived(): void {
    for (const wake of this.#wakes) wake();
  }

  /** A new control connection may have missed some. */
  onControl(): void {
    this.arrived();
  }

  /** Those with a larger id, newest first. */
  async #after(seen: number, signal?: AbortSignal): Promise<NotificationPage> {
    const all: Notification[] = [];
    for (;;) {
      const before = all.at(-1)?.id ?? null;
      const page = await this.#run((one) => one.request('notification.list', { before }, optionsOf(signal)), signal);
      const newer = page.notifications.filter(({ id }) => id > seen && (before === null || id < before));
      all.push(...newer);
      const isLast = !page.more || newer.length < page.notifications.length || newer.length === 0;
      if (isLast) return { notifications: all, unread: page.unread };
    }
  }

  #run<Result>(
    work: (connection: ClientConnection) => Promise<{ readonly response: Result }>,
    signal?: AbortSignal,
  ): Promise<Result> {
    return this.#connections().run('control', async (one) => (await work(one)).response, signal);
  }
}

function optionsOf(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
