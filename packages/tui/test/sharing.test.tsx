import { expect, test } from '@jest/globals';
import type { Account, IncomingShare, OutgoingShare, Person } from '@coffer/client';
import { Store } from '../src/app/store.ts';
import { SharingScreen } from '../src/screens/sharing/sharing-screen.ts';
import type { Services } from '../src/services/services.ts';
import { shareEntry } from '../src/services/share-entry.ts';
import { Shares } from '../src/services/shares.ts';
import { drawn, expectLegible } from './draw-screen.ts';
import { ScriptedUi, settled } from './scripted-ui.ts';

function person(username: string, trust: Person['trust'] = 'certified'): Person {
  const id = new Uint8Array(16).fill(username.length);
  return { account: id, username, fingerprint: new Uint8Array(32).fill(7), trust };
}

function outgoing(path: string, member: Person, more: Partial<OutgoingShare> = {}): OutgoingShare {
  const mount = { entry: new Uint8Array(16).fill(path.length), name: path, kind: 'mount' };
  return { names: [path], mount, member, role: 'read', state: 'active', ...more } as unknown as OutgoingShare;
}

function incoming(name: string, owner: Person, more: Partial<IncomingShare> = {}): IncomingShare {
  const vault = { tree: { walk: () => [] } };
  const entry = { name, kind: 'directory' };
  return { vault, owner, role: 'read', ownerName: owner.username, name, entry, ...more } as unknown as IncomingShare;
}

const toShare = { entry: { name: 'docs', kind: 'directory' }, names: ['docs'] } as never;

const hostile = '\u001b[2Jevil\u202Ename';

/** A screen whose account shares and is shared with; what a person is asked, and answers. */
function scene(
  lists: { readonly outgoing?: readonly OutgoingShare[]; readonly incoming?: readonly IncomingShare[] },
  answers: readonly unknown[] = [],
) {
  const ui = new ScriptedUi(answers);
  const { asked, said: done } = ui;
  const verified = new Set<string>();
  const find = async (name: string): Promise<Person> =>
    person(name, name === 'stranger' && !verified.has(name) ? 'unverified' : 'certified');
  const account = {
    info: { username: 'owner', scope: 'full' },
    teams: { list: async () => [], through: () => [] },
    people: {
      find,
      words: () => Array.from({ length: 12 }, (_, index) => `word${index}`),
      verify: ({ username }: Person) => verified.add(username) && done.push(`verified ${username}`),
    },
    sharing: {
      find: async (name: string) =>
        name.startsWith('team:') ? { ...(await find('stranger')), username: name, voucher: 'stranger' } : find(name),
      finishPending: async () => undefined,
      workOff: async () => undefined,
      outgoing: async () => lists.outgoing ?? [],
      share: async ({ person: one, role }: { person: Person; role: string }) =>
        void done.push(`shared with ${one.username} (${one.trust}) ${role}`),
      unshare: async () => void done.push('unshared'),
      leave: async () => void done.push('left'),
    },
    shared: { list: async () => lists.incoming ?? [] },
  } as unknown as Account;
  const shares = new Shares({ account, onChanged: () => undefined, onProblem: (error) => ui.fail(error) });
  const tree = { walk: () => [{ entry: { kind: 'file' } }], lookup: () => undefined };
  const services = { ui, account, shares, vault: { tree }, news: new Store(0) } as unknown as Services;
  return {
    services,
    shares,
    asked,
    done,
    screen: new SharingScreen(services, ({ name }) => void done.push(`opened ${String(name)}`)),
  };
}

test('who has what, what waits, and who is not made sure of, are words', async () => {
  const { screen, shares } = scene({
    outgoing: [
      outgoing('docs', person('member')),
      outgoing('photos', person('guest', 'changed'), { role: 'write', state: 'left' }),
    ],
    incoming: [incoming('plans', person('friend', 'unverified'), { role: 'write' })],
  });
  expect(drawn(screen).join('\n')).toMatch(/the server has not answered/);
  await shares.refresh();
  const text = drawn(screen).join('\n');
  expect(text).toMatch(/Sharing \(2 from you, 1 with you\)/);
  expect(text).toMatch(/> ↑ to member: \/docs +reads/);
  expect(text).toMatch(/to guest: \/photos +✗ other keys {2}left/);
  expect(text).toMatch(/↓ from friend: plans +! not compared {2}you write/);
  expect(text).toMatch(/the administrator vouches/);
});

test('names of others are drawn harmlessly, at any size, without colours and for screen readers', async () => {
  const { shares, services } = scene({
    outgoing: [outgoing('漢字の文書', person(hostile, 'unverified'))],
    incoming: [incoming(hostile, person('friend'))],
  });
  await shares.refresh();
  await expectLegible(() => new SharingScreen(services, () => undefined));
  expect(drawn(new SharingScreen(services, () => undefined)).join('')).not.toMatch(/[\p{Cc}\u202E]/u);
});

test('with a team whose owner nobody vouches for words are compared with the owner, not with the team', async () => {
  const { services, asked, done } = scene({}, ['team:family', 'read', true, true]);
  await shareEntry(services, toShare);
  expect(asked[2]).toMatch(/Is it really stranger\?/);
  expect(done).toContain('verified stranger');
  expect(done).toContain('shared with team:family (certified) read');
});

test('taking a share back says what it means, and happens only when that is agreed to', async () => {
  const lists = { outgoing: [outgoing('docs', person('member')), outgoing('docs', person('guest'))] };
  for (const [answer, expected] of [
    [false, []],
    [true, ['unshared', 'member no longer gets what is written in /docs']],
  ] as const) {
    const { screen, shares, asked, done } = scene(lists, [answer]);
    await shares.refresh();
    screen.run('unshare', 10);
    await settled();
    expect(asked.join()).toMatch(/Take \/docs back from member.*new key.*Others who keep it: 1/);
    expect(done).toEqual(expected);
  }
});

test('what somebody shares is gone into', async () => {
  const { screen, shares, done } = scene({ incoming: [incoming('plans', person('friend'))] });
  await shares.refresh();
  screen.run('open', 10);
  await settled();
  expect(done).toEqual(['opened plans']);
});

test('what somebody shares is left, saved, and its role is not ours to change', async () => {
  const { screen, shares, done } = scene({ incoming: [incoming('plans', person('friend'))] }, [true]);
  await shares.refresh();
  expect(screen.can('changeRole')).toMatch(/friend's to say/);
  expect(screen.can('saveShare')).toBe(true);
  screen.run('unshare', 10);
  await settled();
  expect(done).toEqual(['left', 'you no longer have what friend shared there']);
});

test('with somebody whose keys nobody vouches for words are compared before anything is shared', async () => {
  const refused = scene({}, ['stranger', 'write', false]);
  await shareEntry(refused.services, toShare);
  expect(refused.asked[2]).toMatch(/Is it really stranger\?.*word0 +word1.*word11/);
  expect(refused.done).toEqual([]);
  const agreed = scene({}, ['stranger', 'write', true, true]);
  await shareEntry(agreed.services, toShare);
  expect(agreed.asked[3]).toMatch(/stranger may change it\. They find it under \/Shared\/owner.*1 file/);
  expect(agreed.done).toEqual([
    'verified stranger',
    'shared with stranger (verified) write',
    'docs: stranger may change it',
  ]);
  const known = scene({}, ['member', 'read', true]);
  await shareEntry(known.services, toShare);
  expect(known.done[0]).toBe('shared with member (certified) read');
});

test('a member gets the other role', async () => {
  const { screen, shares, done } = scene({ outgoing: [outgoing('docs', person('member'))] }, [true]);
  await shares.refresh();
  screen.run('changeRole', 10);
  await settled();
  expect(done).toEqual(['shared with member (certified) write', 'docs: member may change it']);
});

test('what cannot be listed is told once, and nothing is lost of what was', async () => {
  const { shares, done, services } = scene({ outgoing: [outgoing('docs', person('member'))] });
  await shares.refresh();
  Object.assign(services.account.sharing, { workOff: () => Promise.reject(new TypeError('broken')) });
  await shares.refresh();
  expect(done).toEqual(['failed: broken']);
  expect(shares.store.state.outgoing).toHaveLength(1);
});
