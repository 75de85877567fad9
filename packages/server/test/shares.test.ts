import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { idKey, newEntryId, systemClock, systemRandom } from '@coffer/core';
import { filePut, TestAccount, TestVault, type TestDevice } from '@coffer/journal/testing';
import { Accounts } from '@coffer/storage';
import { frames, open, TestDaemon, TestSite, untilTrue, type Greeted } from './support/test-daemon.ts';
import { tempFolder } from './support/temp-folder.ts';

jest.setTimeout(60_000);

interface Person {
  readonly account: TestAccount;
  readonly device: TestDevice;
}

let site: TestSite;
let server: TestDaemon;
let ann: Person;
let root: Person;
let stack: AsyncDisposableStack;
let seed = 10;
const sessions = new Map<TestDevice, Greeted>();

beforeAll(async () => {
  site = await TestSite.make(await tempFolder());
  ann = await site.addAccount('ann', 1);
  root = await site.addAccount('root', 2);
  await using accounts = await Accounts.open(site.storagePath);
  await accounts.setRole(root.account.account, 'admin');
  server = await TestDaemon.open(site);
});

afterAll(() => server[Symbol.asyncDispose]());

beforeEach(() => {
  stack = new AsyncDisposableStack();
  sessions.clear();
});

afterEach(() => stack.disposeAsync());

/** One of each person. */
async function session({ device }: Person): Promise<Greeted> {
  const known = sessions.get(device) ?? stack.use(await open(server.port, device));
  sessions.set(device, known);
  return known;
}

async function newPerson(name: string): Promise<Person> {
  return await site.addAccount(name, (seed += 1));
}

/** A share or team of Ann's; `people` and `teams` are whom it will speak of. */
async function newVault(kind: 'share' | 'team', people: readonly Person[], teams: readonly TestVault[] = []) {
  const chains = TestAccount.directory(ann.account, ...people.map(({ account }) => account));
  const directory = () => ({
    identity: (account: Uint8Array, head: Uint8Array) => chains.identity(account, head),
    team: (id: Uint8Array, head: Uint8Array) => teams.find((one) => idKey(one.id) === idKey(id))?.teamState(head),
  });
  const vault = new TestVault({ owner: ann.account, kind, directory });
  await (await session(ann)).connection.request('vault.create', {}, { data: frames(vault.genesis.bytes) });
  return vault;
}

async function append(vault: TestVault, ...commits: readonly { readonly bytes: Uint8Array }[]): Promise<void> {
  const data = frames(...commits.map(({ bytes }) => bytes));
  await (await session(ann)).connection.request('vault.append', { vault: vault.id }, { data });
}

async function leftOf(vault: TestVault): Promise<readonly string[]> {
  const { response } = await (await session(ann)).connection.request('share.left', { vault: vault.id });
  return response.members.map((member) => idKey(member)).toSorted();
}

test('whoever an administrator removes has left every share and team, and so have the teams of theirs', async () => {
  const [bob, eve] = [await newPerson('bob'), await newPerson('eve')];
  const evesTeam = new TestVault({ owner: eve.account, kind: 'team' });
  await (await session(eve)).connection.request('vault.create', {}, { data: frames(evesTeam.genesis.bytes) });
  const team = await newVault('team', [bob, eve]);
  const share = await newVault('share', [bob, eve], [evesTeam]);
  await append(team, team.append({ by: ann.device, refs: [team.admission(bob.account, 'read')] }));
  const admissions = [share.admission(bob.account), share.admission(eve.account), share.admission(evesTeam)];
  await append(share, share.append({ by: ann.device, refs: admissions }));
  expect([await leftOf(team), await leftOf(share)]).toEqual([[], []]);

  const { connection } = await session(root);
  await connection.request('admin.userRemove', { username: 'bob' });
  const gone = idKey(bob.account.account);
  expect([await leftOf(team), await leftOf(share)]).toEqual([[gone], [gone]]);
  await connection.request('admin.userRemove', { username: 'eve' });
  const all = [gone, idKey(eve.account.account), idKey(evesTeam.id)].toSorted();
  expect(await leftOf(share)).toEqual(all);
  // The owner's next machine ends the epoch, and then there is nothing left to do.
  await append(share, share.append({ by: ann.device, refs: share.departure(bob.account) }));
  expect(await leftOf(share)).toEqual(all.filter((member) => member !== gone));
});

test('somebody who goes in and out in one append is told once, how it ended', async () => {
  const [carl, dora] = [await newPerson('carl'), await newPerson('dora')];
  const share = await newVault('share', [carl, dora]);
  const flips = Array.from({ length: 5 }, () => [
    share.append({ by: ann.device, refs: [share.admission(carl.account, 'read')] }),
    share.append({ by: ann.device, refs: share.departure(carl.account) }),
    share.append({ by: ann.device, refs: [share.admission(dora.account, 'write')] }),
    share.append({ by: ann.device, refs: share.departure(dora.account) }),
  ]).flat();
  const last = share.append({ by: ann.device, refs: [share.admission(dora.account, 'read')] });
  await append(share, ...flips, last);
  const told = async (who: Person) => {
    const { response } = await (await session(who)).connection.request('notification.list', { before: null });
    return response.notifications.filter(({ kind }) => kind === 'shared' || kind === 'access-revoked');
  };
  expect(await told(carl)).toEqual([]);
  expect(await told(dora)).toMatchObject([{ kind: 'shared', word: 'read', times: 1 }]);
  const lines = server.audit.filter(({ event }) => event.vault !== undefined && idKey(event.vault) === idKey(share.id));
  expect(lines.filter(({ event }) => event.event.startsWith('member-'))).toHaveLength(21);
});

test('a right that is lost while the commits come in counts', async () => {
  const finn = await newPerson('finn');
  const share = await newVault('share', [finn]);
  await append(share, share.append({ by: ann.device, refs: [share.admission(finn.account)] }));
  const [writer, other] = [await session(finn), stack.use(await open(server.port, finn.device))];
  const go = Promise.withResolvers<undefined>();
  const begun = Promise.withResolvers<undefined>();
  const slow = async function* (): AsyncGenerator<Uint8Array> {
    begun.resolve(undefined);
    await go.promise;
    yield share.make({ by: finn.device }).bytes;
  };
  const appended = writer.connection.request('vault.append', { vault: share.id }, { data: slow() });
  appended.catch(() => undefined);
  await begun.promise;
  await untilTrue(async () => (await other.connection.request('vault.head', { vault: share.id })).response.seq === 2);
  await other.connection.request('share.leave', { vault: share.id });
  go.resolve(undefined);
  await expect(appended).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const { response } = await (await session(ann)).connection.request('vault.head', { vault: share.id });
  expect(response.seq).toBe(2);
});

test('a member may fill half of the owner’s quota, and the owner is told at 80 and 95 per cent of that', async () => {
  const gus = await newPerson('gus');
  const share = await newVault('share', [gus]);
  await append(share, share.append({ by: ann.device, refs: [share.admission(gus.account)] }));
  const { connection } = await session(root);
  const hers = await session(ann);
  const { storedBytes } = (await hers.connection.request('usage.show', {})).response;
  const change = { username: 'ann', quotaBytes: 2 * (500_000 + storedBytes), largestFileBytes: 'keep' } as const;
  await connection.request('admin.userQuota', change);
  const put = async (who: Person, bytes: number): Promise<string> => {
    const id = systemRandom.bytes(32);
    const [one, entry] = [await session(who), newEntryId(systemClock, systemRandom)];
    const file = filePut({ entry, name: idKey(id), uploader: who.account.account, ids: [id] });
    try {
      const request = { vault: share.id, kind: 'chunk' } as const;
      await one.connection.request('chunk.put', request, { data: frames([id, systemRandom.bytes(bytes)]) });
      const commit = share.make({ by: who.device, refs: [file.ref], operations: [file.operation] });
      await one.connection.request('vault.append', { vault: share.id }, { data: frames(commit.bytes) });
      share.add(commit);
      return 'stored';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  const told = async () => {
    const { response } = await hers.connection.request('notification.list', { before: null });
    return response.notifications
      .filter(({ kind }) => kind === 'member-quota')
      .map(({ figure, username }) => [username, figure]);
  };
  const half = change.quotaBytes / 2;
  expect([await put(gus, Math.floor(half * 0.7)), await told()]).toEqual(['stored', []]);
  expect([await put(gus, Math.floor(half * 0.15)), await told()]).toEqual(['stored', [['gus', 80]]]);
  expect(await put(gus, Math.floor(half * 0.2))).toBe('QUOTA');
  expect([await put(gus, Math.floor(half * 0.12)), await told()]).toEqual(['stored', [['gus', 95]]]);
  expect(await put(gus, 50_000)).toBe('QUOTA');
  // Others are not kept back by it, and a removal always finds room.
  expect(await put(ann, 50_000)).toBe('stored');
  const drop = share.make({
    by: gus.device,
    refs: [{ kind: 'drop', entries: [newEntryId(systemClock, systemRandom)], reason: 'removed' }],
  });
  const his = (await session(gus)).connection;
  await his.request('vault.append', { vault: share.id }, { data: frames(drop.bytes) });
  await connection.request('admin.userQuota', { ...change, quotaBytes: null });
  share.add(drop);
  expect(await put(gus, 50_000)).toBe('stored');
});
