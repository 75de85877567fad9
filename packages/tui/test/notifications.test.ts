import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import type { Account, Notification } from '@coffer/client';
import { systemClock } from '@coffer/core';
import { Store } from '../src/app/store.ts';
import { NotificationsScreen } from '../src/screens/notifications/notifications-screen.ts';
import type { Services } from '../src/services/services.ts';
import { ScriptedUi, settled } from './scripted-ui.ts';

function notification(id: number, read = false): Notification {
  return { id, atMs: 0, read, kind: 'quota', percent: 90 } as unknown as Notification;
}

/** A screen whose account was told `before`, and is told `later` while it listens. */
function scene(before: readonly Notification[], later: readonly Notification[]) {
  const ui = new ScriptedUi();
  const notifications = {
    list: async () => ({ notifications: before }),
    async *watch(signal: AbortSignal) {
      for (const one of [...before, ...later]) if (!one.read) yield one;
      await once(signal, 'abort');
    },
  };
  const account = { notifications, info: { scope: 'full' }, devices: () => [] } as unknown as Account;
  const news = new Store(0);
  const covered = new Store(false);
  const services = { ui, account, news, covered, clock: systemClock } as unknown as Services;
  return { ui, news, covered, screen: new NotificationsScreen(services) };
}

test.each([
  ['nothing was there before', [], [notification(1)], 1],
  ['unread ones were there before', [notification(1), notification(2)], [notification(3)], 1],
  ['all was read before', [notification(4, true)], [notification(5), notification(6)], 2],
  ['nothing comes', [notification(1), notification(2)], [], 0],
])('only what comes while it listens is news: %s', async (_, before, later, times) => {
  const { ui, news, screen } = scene(before, later);
  await settled();
  await screen[Symbol.asyncDispose]();
  expect([ui.said.length, news.state]).toEqual([times, times]);
});

test('while nobody is there nothing is said nor looked up for it; how many came is told afterwards', async () => {
  const { ui, news, covered, screen } = scene([], [notification(1), notification(2)]);
  covered.set(true);
  await settled();
  expect([ui.said, news.state]).toEqual([[], 0]);
  covered.set(false);
  await screen[Symbol.asyncDispose]();
  expect([ui.said, news.state]).toEqual([['2 notifications came meanwhile: 6 shows them'], 1]);
});
