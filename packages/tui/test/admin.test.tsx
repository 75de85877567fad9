import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import type { Account } from '@coffer/client';
import { CofferError, systemClock, utf8 } from '@coffer/core';
import { Store } from '../src/app/store.ts';
import { AdminScreen } from '../src/screens/admin/admin-screen.ts';
import type { OpenedReset } from '../src/services/administration.ts';
import type { Services } from '../src/services/services.ts';
import { drawn, expectLegible } from './draw-screen.ts';
import { ScriptedUi, settled } from './scripted-ui.ts';

const hostile = '\u001b[2Jevil\u202Ename';
const id = (fill: number, length = 16): Uint8Array => new Uint8Array(length).fill(fill);

const users = [
  { username: 'admin', role: 'admin', state: 'active', quotaBytes: null, storedBytes: 10, contact: '' },
  { username: hostile, role: 'user', state: 'suspended', quotaBytes: 100, storedBytes: 99, contact: hostile },
].map((user) => ({ largestFileBytes: null, createdAtMs: 0, ...user }));
const requests = ['password-change', 'password-reset'].map((kind, index) => ({
  request: id(index),
  username: 'member',
  kind,
  state: 'open',
  createdAtMs: 0,
  activeAtMs: null,
  reason: '',
}));
const sessions = [
  {
    session: id(1, 8),
    username: 'member',
    deviceName: '漢字',
    scope: 'full',
    role: 'bulk',
    address: '127.0.0.1',
    sinceMs: 0,
    restedMs: 1000,
  },
];
const alerts = [
  { id: 7, atMs: 0, kind: 'failed-logins', times: 3, account: null, username: hostile, address: '1.2.3.4', word: null },
].map((alert) => ({ figure: 5, acknowledgedMs: null, acknowledgedBy: null, ...alert }));
const status = {
  server: id(9),
  generation: 1,
  timeMs: 0,
  space: { freeBytes: 5, reserveBytes: 1, writable: false },
  clock: { nowMs: 0, wallMs: 0, paused: true },
  tasks: [{ task: 'collect', running: null, last: null, nextMs: null }],
  scrub: { atMs: 0, count: 2, first: [hostile] },
  backups: { count: 0, newestMs: null },
  accounts: { count: 2, storedBytes: 109 },
};
const doomed = {
  ...users[1],
  username: 'member',
  vaults: { owned: 3, shared: 2, received: 1 },
  devices: [{ name: 'laptop', scope: 'full', revoked: false, lastSeenMs: null }],
};

/** The screen over a server that does what it is told and says so. */
function scene(answers: readonly unknown[] = [], openReset?: () => Promise<OpenedReset>) {
  const ui = new ScriptedUi(answers);
  const done: string[] = [];
  const note = (text: string) => async (about: unknown) => void done.push(`${text} ${JSON.stringify(about)}`);
  const accounts = {
    requests: async () => requests,
    showRequest: async () => ({ ...requests[1] }),
    approveRequest: async (approval: { sealed: Uint8Array | null; verifiedInPerson: boolean }) => {
      done.push(`approved ${approval.sealed?.length ?? 'nothing'} ${approval.verifiedInPerson}`);
      return { activeAtMs: null };
    },
    rejectRequest: note('rejected'),
    invites: async () => ({ invites: [], makers: [] }),
    show: async () => doomed,
    remove: note('removed'),
    setState: note('state'),
    setRole: note('role'),
  };
  const lines = [
    `{"time":"2026-11-27T10:00:00Z","category":"auth","event":"login","status":"OK","account":"${'ab'.repeat(16)}"}`,
    'no line of a log',
  ];
  const watch = {
    sessions: async () => sessions,
    alerts: async () => alerts,
    acknowledge: note('acknowledged'),
    endSession: async () => void done.push('ended'),
    async *logs(_wanted: unknown, signal: AbortSignal) {
      for (const line of lines) yield { bytes: utf8(line), names: new Map([['ab'.repeat(16), hostile]]) };
      await once(signal, 'abort');
    },
  };
  const server = { accounts, watch, users: async () => users, status: async () => status, setQuota: note('quota') };
  const account = { server, info: { role: 'admin' } } as unknown as Account;
  const administration = { openReset } as unknown as Services['administration'];
  const services = { ui, account, clock: systemClock, news: new Store(0), administration } as unknown as Services;
  return { ui, done, services, screen: new AdminScreen(services) };
}

/** The screen in sight, at a section so many steps from the first. */
async function at(made: ReturnType<typeof scene>, section: number): Promise<AdminScreen> {
  const { screen } = made;
  for (let step = 0; step < section; step += 1) screen.run('nextSection', 10);
  screen.enter();
  await settled();
  return screen;
}

test.each([
  [0, /\[Users\] Requests !2 {2}Sessions[^]*> admin +administrator[^]*SUSPENDED {2}99 B of 100 B/],
  [1, /\[Requests !2\][^]*> \* member: a new password +waits[^]*A approves/],
  [2, /\[Sessions\][^]*> member on 漢字 +transfers {2}idle 1 s/],
  [3, /\[Alerts !1\][^]*> \* failed logins as [^]*5 \(3 times\)/],
  [4, /\[Invites\][^]*there are no invites: a makes one/],
  [5, /\[Server\][^]*FULL: uploads are refused[^]*PAUSED at[^]*2 problems/],
  [6, /\[Log\][^]*auth {2}login [^]*no line of a log/],
])('section %i says what is there', async (section, expected) => {
  const made = scene();
  await using screen = await at(made, section);
  await new Promise((resolve) => setTimeout(resolve, 80));
  const text = drawn(screen, { columns: 120 }).join('\n');
  expect(text).toMatch(expected);
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202E]/u);
});

test.each([0, 1, 2, 3, 5])('section %i is legible at any size, without colours, and read aloud', async (section) => {
  const made = scene();
  await using screen = await at(made, section);
  await expect(expectLegible(() => screen)).resolves.toBeUndefined();
});

test('an action says where it is possible, and does nothing elsewhere', async () => {
  await using screen = await at(scene(), 0);
  expect(screen.can('approve')).toBe('not here: Tab goes to requests');
  expect(screen.can('userQuota')).toBe(true);
  expect(screen.badge()).toBe('! 3');
});

test('what goes with an account is said before it is removed, and its name is typed', async () => {
  const made = scene([true]);
  await using screen = await at(made, 0);
  screen.run('down', 10);
  screen.run('userRemove', 10);
  await settled();
  expect(made.ui.asked[0]).toMatch(
    /for good.*its 99 B can never be read again.*3 vaults; 2 of them are shared.*Devices: 1/,
  );
  expect(made.done).toHaveLength(1);
});

test('a lost password is approved only with words that were compared, and sealed only then', async () => {
  let isSealed = false;
  const openReset = async (): Promise<OpenedReset> => ({
    words: Array.from({ length: 12 }, (_, index) => `word${index}`),
    warning: 'certified for somebody else',
    seal: () => {
      isSealed = true;
      return id(1, 40);
    },
  });
  const refused = scene([false], openReset);
  await using refusing = await at(refused, 1);
  refusing.run('down', 10);
  refusing.run('approve', 10);
  await settled();
  expect(refused.ui.asked[0]).toMatch(/certified for somebody else.*word0 +word1.*word11/);
  expect([isSealed, refused.done]).toEqual([false, []]);
  const agreed = scene([true, 'at once'], openReset);
  await using agreeing = await at(agreed, 1);
  agreeing.run('down', 10);
  agreeing.run('approve', 10);
  await settled();
  expect(agreed.done).toEqual(['approved 40 true']);
});

test('a recovery key that is not here is said, and nothing is approved', async () => {
  const made = scene([], () => Promise.reject(new CofferError('NOT_FOUND', 'the recovery key is not on this machine')));
  await using screen = await at(made, 1);
  screen.run('down', 10);
  screen.run('approve', 10);
  await settled();
  expect(made.ui.said).toEqual(['failed: the recovery key is not on this machine']);
  expect(made.done).toEqual([]);
});

test('a session is ended, an alert seen, a request rejected with a reason', async () => {
  const ended = scene([true]);
  await using sessionsScreen = await at(ended, 2);
  sessionsScreen.run('endThis', 10);
  await settled();
  expect(ended.ui.asked[0]).toMatch(/in the middle of what it transfers/);
  expect(ended.done).toEqual(['ended']);
  const seen = scene();
  await using alertsScreen = await at(seen, 3);
  alertsScreen.run('acknowledge', 10);
  await settled();
  expect(seen.done).toEqual(['acknowledged 7']);
  const rejected = scene(['not you']);
  await using requestsScreen = await at(rejected, 1);
  requestsScreen.run('reject', 10);
  await settled();
  expect(rejected.done[0]).toMatch(/rejected .*"reason":"not you"/);
});
