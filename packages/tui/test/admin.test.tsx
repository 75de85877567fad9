import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import type { Account, OpenedReset } from '@coffer/client';
import { CofferError, systemClock, utf8 } from '@coffer/core';
import { Store } from '../src/app/store.ts';
import { AdminScreen } from '../src/screens/admin/admin-screen.ts';
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
  account: id(7),
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
  tasks: ['collect', 'scrub'].map((task) => ({ task, running: null, last: null, nextMs: null })),
  scrub: { atMs: 0, count: 2, first: [hostile] },
  backups: { count: 0, newestMs: null },
  accounts: { count: 2, storedBytes: 109 },
};
const openInvite = {
  id: id(3),
  username: hostile,
  role: 'user',
  quotaBytes: null,
  createdAtMs: 0,
  expiresAtMs: 9e12,
  usedAtMs: null,
};
const doomed = {
  ...users[1],
  username: 'member',
  vaults: { owned: 3, shared: 2, received: 1 },
  devices: [{ name: 'laptop', scope: 'full', revoked: false, lastSeenMs: null }],
};

/** What the server says differently now. */
interface Said {
  requests?: readonly unknown[];
  details?: object;
  alerts?: readonly unknown[];
  denied?: boolean;
  scrubbed?: { readonly count: number; readonly first: readonly string[] };
}

/** The screen over a server that does what it is told and says so. */
function scene(answers: readonly unknown[] = [], openReset?: () => Promise<OpenedReset>, said: Said = {}) {
  let asked = 0;
  const told = <Answer,>(answer: Answer): Promise<Answer> => {
    asked += 1;
    return said.denied === true
      ? Promise.reject(new CofferError('NOT_ALLOWED', 'for administrators'))
      : Promise.resolve(answer);
  };
  const ui = new ScriptedUi(answers);
  const done: string[] = [];
  const note = (text: string) => async (about: unknown) => void done.push(`${text} ${JSON.stringify(about)}`);
  const accounts = {
    requests: () => told(said.requests ?? requests),
    showRequest: async () => ({ ...requests[1], ...said.details }),
    approveRequest: async (approval: { sealed: Uint8Array | null; verifiedInPerson: boolean }) => {
      done.push(`approved ${approval.sealed?.length ?? 'nothing'} ${approval.verifiedInPerson}`);
      return { activeAtMs: null };
    },
    rejectRequest: note('rejected'),
    invites: async () => ({ invites: [openInvite], makers: [] }),
    revokeInvite: note('withdrawn'),
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
    sessions: () => told(sessions),
    alerts: () => told(said.alerts ?? alerts),
    shares: async () => [],
    acknowledge: note('acknowledged'),
    endSession: async () => void done.push('ended'),
    async *logs({ onCaughtUp }: { onCaughtUp: () => void }, signal: AbortSignal) {
      for (const line of lines) yield { bytes: utf8(line), names: new Map([['ab'.repeat(16), hostile]]) };
      onCaughtUp();
      await once(signal, 'abort');
    },
  };
  const server = {
    accounts,
    watch,
    users: () => told(users),
    status: () => told(status),
    setQuota: note('quota'),
    collect: note('collected'),
    scrub: async () => said.scrubbed ?? { count: 0, first: [] },
  };
  const account = { server, info: { role: 'admin', username: 'admin' } } as unknown as Account;
  const administration = { openReset } as unknown as Services['administration'];
  const services = {
    ui,
    account,
    clock: systemClock,
    news: new Store(0),
    covered: new Store(false),
    administration,
  } as unknown as Services;
  return { ui, done, services, said, asked: () => asked, screen: new AdminScreen(services) };
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
  [4, /\[Invites\][^]*evil[^]*until/],
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

test.each([0, 1, 2, 3, 4, 5, 6])(
  'section %i is legible at any size, without colours, and read aloud',
  async (section) => {
    const made = scene();
    await using screen = await at(made, section);
    await expect(expectLegible(() => screen)).resolves.toBeUndefined();
  },
);

test('an action says where it is possible, and does nothing elsewhere', async () => {
  await using screen = await at(scene(), 0);
  expect(screen.can('approve')).toBe('not here: Tab goes to requests');
  expect(screen.can('userQuota')).toBe(true);
  expect(screen.badge()).toBe('! 3');
});

test('what goes with an account is said before it is removed, and its name is typed', async () => {
  const made = scene([hostile]);
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
    certifiedName: 'somebody',
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
  expect(refused.ui.asked[0]).toMatch(
    /^A lost password of somebody .*certified for somebody else.*word0 +word1.*word11/,
  );
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

test.each([
  ['another account', { account: id(8) }],
  ['another name', { username: 'mallory' }],
  ['another request', { request: id(9) }],
])('a server that answers about %s than it listed gets nothing', async (_, details) => {
  let isOpened = false;
  const openReset = async (): Promise<OpenedReset> => {
    isOpened = true;
    throw new Error('not reached');
  };
  const made = scene([true, 'at once'], openReset, { details });
  await using screen = await at(made, 1);
  screen.run('down', 10);
  screen.run('approve', 10);
  await settled();
  expect(made.ui.said[0]).toMatch(/another request than the one in its list/);
  expect([isOpened, made.done]).toEqual([false, []]);
});

test('the cursor stays on its row when the list changes above it', async () => {
  const made = scene(['no']);
  await using screen = await at(made, 1);
  screen.run('down', 10);
  made.said.requests = [{ ...requests[0], request: id(5), username: 'other' }, ...requests];
  made.services.news.update((number) => number + 1);
  await settled();
  screen.run('reject', 10);
  await settled();
  expect(made.done[0]).toContain(JSON.stringify(requests[1]?.request));
});

test('who administers no more is told so once, and the server is asked no more', async () => {
  const made = scene();
  await using screen = await at(made, 0);
  made.said.denied = true;
  made.services.news.update((number) => number + 1);
  await settled();
  const before = made.asked();
  made.services.news.update((number) => number + 1);
  await settled();
  expect(made.ui.said).toEqual(['failed: for administrators']);
  expect(made.asked()).toBe(before);
  expect(drawn(screen).join('\n')).toMatch(/you do not administer this server any more/);
  expect(screen.badge()).toBeUndefined();
});

test.each([
  [true, 0],
  ['the time is right', 1],
])('the time of the server is accepted only by whoever typed so: %s', async (answer, times) => {
  const made = scene([answer]);
  await using screen = await at(made, 5);
  screen.run('down', 10);
  screen.run('down', 10);
  screen.run('look', 10);
  await settled();
  expect(made.ui.asked[0]).toMatch(/^clock .*Nothing has expired since .*The server's machine says .*Here it is /);
  expect(made.done).toHaveLength(times);
});

test.each([
  ['nothing', { count: 0, first: [] }, 'everything is in order'],
  ['damage', { count: 2, first: [hostile] }, 'scrub: 2 problems found'],
])('the end of a scrub is told wherever the person is by then: it found %s', async (_, scrubbed, expected) => {
  const made = scene([true], undefined, { scrubbed });
  await using screen = await at(made, 5);
  for (let row = 0; row < 5; row += 1) screen.run('down', 10);
  screen.run('look', 10);
  screen.leave();
  await settled();
  expect(made.ui.said).toEqual(['the server reads everything that is stored; it is told when that is done', expected]);
});

test('a role is changed and an invite withdrawn once that was agreed to; that an account is the own one is said', async () => {
  const role = scene([true]);
  await using users_ = await at(role, 0);
  users_.run('userRole', 10);
  await settled();
  expect(role.ui.asked[0]).toMatch(/THIS IS YOUR OWN ACCOUNT/);
  expect(role.done[0]).toMatch(/role .*"role":"user"/);
  const invites = scene([true]);
  await using screen = await at(invites, 4);
  screen.run('endThis', 10);
  await settled();
  expect(invites.done[0]).toMatch(/^withdrawn /);
});
