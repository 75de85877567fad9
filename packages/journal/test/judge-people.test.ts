import { idKey, zeroHash } from '@coffer/core';
import { describe, expect, test } from '@jest/globals';
import { defaultRetention, epochRecipients, noIds, roleOf } from '@coffer/journal';
import type { IdentityRef, Member, Ref } from '@coffer/journal';
import { TestAccount } from '@coffer/journal/testing';
import { outcome } from './expect-code.ts';
import { judged, World } from './world.ts';

const entry = new Uint8Array(16).fill(1);
const seen = (who: TestAccount): IdentityRef => ({ kind: 'identity', subject: who.account, head: who.state.head });

/** A share of the owner with Anna as writer and Ben as reader. */
function shared() {
  const world = new World();
  const vault = world.vault('share');
  world.add(vault, world.anna, 'write');
  world.add(vault, world.ben, 'read');
  return { world, vault };
}

describe('rights', () => {
  const { world, vault } = shared();
  const worker = world.owner.enroll({ scope: 'worker', vaults: [vault.id] });
  const elsewhere = world.owner.enroll({ scope: 'worker', vaults: [new Uint8Array(32)] });
  vault.append({ by: world.laptop, refs: [seen(world.owner)] });
  const refs: Record<string, Ref> = {
    put: { kind: 'put', entry, chunks: [], segments: noIds },
    drop: { kind: 'drop', entries: [entry], reason: 'removed' },
    keep: { kind: 'keep', entry, seq: 1 },
    'identity of the owner': seen(world.owner),
    'identity of Anna': seen(world.anna),
    member: world.member(vault, world.ben, 'write'),
    epoch: vault.nextEpoch(),
    policy: { kind: 'policy', policy: defaultRetention },
    purge: { kind: 'purge', entry, seqs: [1] },
  };
  const people = {
    owner: world.laptop,
    worker,
    'worker of another vault': elsewhere,
    Anna: world.annas,
    Ben: world.bens,
  };
  const allowed: Record<keyof typeof people, readonly string[]> = {
    owner: Object.keys(refs),
    worker: ['put', 'drop', 'keep', 'identity of the owner'],
    'worker of another vault': [],
    Anna: ['put', 'drop', 'keep', 'identity of the owner', 'identity of Anna'],
    Ben: [],
  };
  const table = Object.entries(people).flatMap(([who, by]) =>
    Object.entries(refs).map(([what, ref]) => ({ who, by, what, ref })),
  );

  test.each(table)('$who and $what', ({ who, by, what, ref }) => {
    const expected = allowed[who as keyof typeof people].includes(what) ? 'accepted' : 'NOT_ALLOWED';
    expect(judged(vault, { by, refs: [ref] })).toBe(expected);
  });

  test('hold for empty commits too', () => {
    expect([world.laptop, worker, elsewhere, world.annas, world.bens].map((by) => judged(vault, by))).toEqual([
      'accepted',
      'accepted',
      'NOT_ALLOWED',
      'accepted',
      'NOT_ALLOWED',
    ]);
  });
});

describe('devices', () => {
  test('a new one introduces itself', () => {
    const { world, vault } = shared();
    const phone = world.anna.enroll({ name: 'phone' });
    expect(judged(vault, phone)).toBe('NOT_ALLOWED');
    expect(judged(vault, { by: phone, refs: [seen(world.anna)] })).toBe('accepted');
  });

  test('a revoked one writes until the journal has seen that, and never after', () => {
    const { world, vault } = shared();
    const phone = world.anna.enroll();
    const before = seen(world.anna);
    vault.append({ by: world.annas, refs: [before] });
    world.anna.revoke(phone.device);
    expect(judged(vault, phone)).toBe('accepted');
    expect(judged(vault, { by: phone, refs: [seen(world.anna)] })).toBe('NOT_ALLOWED');
    vault.append({ by: world.annas, refs: [seen(world.anna)] });
    expect(judged(vault, phone)).toBe('NOT_ALLOWED');
    expect(judged(vault, { by: phone, refs: [before] })).toBe('INVALID'); // an older head brings nobody back
  });

  test('identity heads extend, are of members, and are named once', () => {
    const { world, vault } = shared();
    const ghost = new TestAccount(9);
    const head = world.anna.state.head;
    const ref = (fields: Partial<IdentityRef>): Ref => ({ ...seen(world.anna), ...fields });
    expect(judged(vault, { by: world.annas, refs: [ref({})] })).toBe('accepted'); // the same again does no harm
    expect(judged(vault, { by: world.annas, refs: [ref({ head: zeroHash })] })).toBe('INVALID');
    expect(judged(vault, { by: world.annas, refs: [ref({ subject: world.ben.account })] })).toBe('INVALID');
    expect(judged(vault, { by: world.annas, refs: [ref({ subject: ghost.account, head: ghost.state.head })] })).toBe(
      'INVALID',
    );
    expect(judged(vault, { by: world.annas, refs: [ref({ subject: new Uint8Array(32), head })] })).toBe('INVALID');
    expect(judged(vault, { by: world.annas, refs: [ref({}), ref({})] })).toBe('INVALID');
  });

  test('a changed identity may not write until the owner admits it; the owner goes on', () => {
    const { world, vault } = shared();
    world.anna.rotate();
    expect(judged(vault, world.annas)).toBe('accepted'); // not seen yet
    expect(judged(vault, { by: world.annas, refs: [seen(world.anna)] })).toBe('NOT_ALLOWED');
    vault.append({ by: world.laptop, refs: [seen(world.anna)] });
    expect(judged(vault, world.annas)).toBe('NOT_ALLOWED');
    vault.append({ by: world.laptop, refs: [world.member(vault, world.anna)] });
    expect(judged(vault, world.annas)).toBe('accepted');
    world.owner.rotate();
    vault.append({ by: world.laptop, refs: [seen(world.owner)] });
    vault.append({ by: world.laptop, refs: [vault.nextEpoch()] });
    expect(vault.state.members.get(idKey(world.owner.account))?.fingerprint).toEqual(world.owner.state.fingerprint);
  });
});

describe('members', () => {
  test('come, change their role, and go with a new epoch', () => {
    const { world, vault } = shared();
    expect(judged(vault, world.bens)).toBe('NOT_ALLOWED');
    world.add(vault, world.ben, 'write');
    expect(judged(vault, world.bens)).toBe('accepted');
    expect(judged(vault, { by: world.laptop, refs: [world.removal(world.ben)] })).toBe('INVALID');
    expect(judged(vault, { by: world.laptop, refs: [world.removal(world.ben), vault.nextEpoch()] })).toBe('INVALID');
    const gone = vault.append({
      by: world.laptop,
      refs: [world.epochWithout(vault, world.ben), world.removal(world.ben)],
    });
    expect(vault.state).toMatchObject({ epoch: 1, epochSeq: gone.header.seq, epochCommitment: expect.any(Uint8Array) });
    expect(judged(vault, world.bens)).toBe('NOT_ALLOWED');
    expect(roleOf(vault.state, world.ben.account, world.directory())).toBeUndefined();
  });

  test('who comes back may not come with an older chain', () => {
    const { world, vault } = shared();
    const stolen = world.ben.enroll();
    const old = world.member(vault, world.ben);
    world.ben.revoke(stolen.device);
    vault.append({ by: world.annas, refs: [seen(world.ben)] });
    vault.append({ by: world.laptop, refs: [world.removal(world.ben), world.epochWithout(vault, world.ben)] });
    expect(judged(vault, { by: world.laptop, refs: [old] })).toBe('INVALID');
    expect(judged(vault, { by: world.laptop, refs: [world.member(vault, world.ben)] })).toBe('accepted');
  });

  const { world, vault } = shared();
  const team = world.vault('team');
  const nas = world.anna.enroll({ scope: 'worker', vaults: [vault.id] });
  const anna = world.member(vault, world.anna);
  const seal = { worker: null, sealed: Uint8Array.of(1) };
  test.each<[string, readonly Ref[], string]>([
    ['again, now with a worker', [anna], 'accepted'],
    ['without its worker', [{ ...anna, seals: [seal] }], 'INVALID'],
    ['with a worker twice', [{ ...anna, seals: [...anna.seals, ...anna.seals.slice(1)] }], 'INVALID'],
    [
      'with a worker that is a laptop',
      [{ ...anna, seals: [seal, { ...seal, worker: world.annas.device }] }],
      'INVALID',
    ],
    ['without a key', [{ ...anna, seals: [] }], 'INVALID'],
    ['with another key', [{ ...anna, fingerprint: zeroHash }], 'INVALID'],
    ['with an unknown head', [{ ...anna, chainHead: zeroHash }], 'INVALID'],
    ['as a second owner', [{ ...anna, role: 'owner' }], 'INVALID'],
    ['twice in one commit', [anna, anna], 'INVALID'],
    ['the owner as a reader', [{ ...world.member(vault, world.owner), role: 'read' }], 'INVALID'],
    ['the owner again', [world.member(vault, world.owner, 'owner')], 'accepted'],
    ['the owner removed', [world.removal(world.owner), vault.nextEpoch()], 'INVALID'],
    [
      'the owner removed, everything else right',
      [world.removal(world.owner), world.epochWithout(vault, world.owner)],
      'INVALID',
    ],
    ['a stranger removed', [world.removal(new TestAccount(9)), vault.nextEpoch()], 'INVALID'],
    ['a removal that carries keys', [{ ...anna, role: 'none' }, world.epochWithout(vault, world.anna)], 'INVALID'],
    ['a team nobody knows', [{ ...anna, member: new Uint8Array(32) }], 'INVALID'],
    [
      'a vault that is no team',
      [{ ...world.member(vault, team), member: vault.id, chainHead: vault.state.head }],
      'INVALID',
    ],
  ])('%s', (_name, refs, expected) => {
    expect(nas.device).toHaveLength(16);
    expect(judged(vault, { by: world.laptop, refs })).toBe(expected);
  });

  test('are at most a thousand', () => {
    const [owner] = vault.state.members.values();
    const others = Array.from({ length: 998 }, (_, index) =>
      new Uint8Array(16)
        .fill(200)
        .fill(index, 0, 1)
        .fill(index >> 8, 1, 2),
    );
    const admitted = (count: number) => {
      const fake = others
        .slice(0, count)
        .map((member) => [idKey(member), { ...owner!, member, role: 'read' }] as const);
      const members = new Map<string, Member>([[idKey(owner!.member), owner!], ...fake]);
      const refs = [world.member(vault, world.anna), world.member(vault, world.ben)];
      return judged(vault, { by: world.laptop, refs }, { ...vault.state, members });
    };
    expect([997, 998].map(admitted)).toEqual(['accepted', 'INVALID']);
  });

  test('a home vault has none but its owner', () => {
    const home = world.vault('home');
    expect(judged(home, { by: world.laptop, refs: [world.member(home, world.anna)] })).toBe('INVALID');
    expect(judged(home, { by: world.laptop, refs: [world.member(home, world.owner, 'owner')] })).toBe('accepted');
  });
});

describe('an epoch', () => {
  test('is sealed to exactly the members and their workers', () => {
    const { world, vault } = shared();
    world.anna.enroll({ scope: 'worker', vaults: [vault.id] });
    vault.append({ by: world.annas, refs: [seen(world.anna)] });
    const epoch = vault.nextEpoch();
    expect(epoch.seals).toHaveLength(4);
    for (const seal of epoch.seals) {
      const seals = epoch.seals.filter((one) => one !== seal);
      expect(judged(vault, { by: world.laptop, refs: [{ ...epoch, seals }] })).toBe('INVALID');
      const wrong = epoch.seals.map((one) => (one === seal ? { ...one, fingerprint: zeroHash } : one));
      expect(judged(vault, { by: world.laptop, refs: [{ ...epoch, seals: wrong }] })).toBe('INVALID');
    }
    expect(judged(vault, { by: world.laptop, refs: [epoch, epoch] })).toBe('INVALID');
    expect(judged(vault, { by: world.laptop, refs: [{ ...epoch, link: null }] })).toBe('INVALID');
    expect(judged(vault, { by: world.laptop, refs: [{ ...epoch, n: 2 }] })).toBe('INVALID');
    expect(judged(vault, { by: world.laptop, refs: [{ ...epoch, n: 2 }], header: { epoch: 2 } })).toBe('CONFLICT');
    expect(judged(vault, { by: world.laptop, refs: [epoch] })).toBe('accepted');
  });

  test('includes who is admitted in the same commit', () => {
    const world = new World();
    const vault = world.vault('share');
    const anna = world.member(vault, world.anna);
    expect(judged(vault, { by: world.laptop, refs: [anna, vault.nextEpoch()] })).toBe('INVALID');
    const record = { member: anna.member, role: 'write', fingerprint: anna.fingerprint, since: 2 } as const;
    const key = idKey(anna.member);
    const state = {
      ...vault.state,
      members: new Map(vault.state.members).set(key, record),
      identities: new Map(vault.state.identities).set(key, anna.chainHead),
    };
    const epoch = vault.nextEpoch({ state, directory: world.directory() });
    expect(judged(vault, { by: world.laptop, refs: [epoch, anna] })).toBe('accepted');
  });

  test('is not held up by a member whose identity changed: it may be left out, and then may not write', () => {
    const { world, vault } = shared();
    world.anna.rotate();
    vault.append({ by: world.laptop, refs: [seen(world.anna)] });
    const keys = epochRecipients({ state: vault.state, directory: world.directory() });
    expect(keys.map(({ admitted }) => admitted)).toEqual([true, false, true]);
    const all = vault.nextEpoch();
    const without = {
      ...all,
      seals: all.seals.filter(({ recipient }) => idKey(recipient) !== idKey(world.anna.account)),
    };
    expect(judged(vault, { by: world.laptop, refs: [all] })).toBe('accepted'); // the owner made sure of the new key
    vault.append({ by: world.laptop, refs: [without] });
    expect(judged(vault, world.annas)).toBe('NOT_ALLOWED');
    vault.append({ by: world.laptop, refs: [world.member(vault, world.anna)] });
    expect(judged(vault, world.annas)).toBe('accepted');
  });
});

test('a vault has 64 teams at most, and one that has them can still change', () => {
  const world = new World();
  const vault = world.vault('share');
  const teams = Array.from({ length: 65 }, () => world.vault('team'));
  const refs = teams.map((team) => vault.admission(team));
  expect(judged(vault, { by: world.laptop, refs })).toBe('LIMIT');
  vault.append({ by: world.laptop, refs: refs.slice(0, 64) });
  expect(judged(vault, { by: world.laptop, refs: refs.slice(64) })).toBe('LIMIT');
  expect(judged(vault, { by: world.laptop, refs: [world.member(vault, world.anna)] })).toBe('accepted');
  const [gone = vault] = teams;
  expect(judged(vault, { by: world.laptop, refs: vault.departure(gone) })).toBe('accepted');
});

test('the last commits of a team are for those who go', () => {
  const world = new World();
  const team = world.vault('team');
  world.add(team, world.anna, 'read');
  const judgedAt = (seq: number, refs: readonly Ref[]) =>
    judged(team, { by: world.laptop, refs, header: { seq } }, { ...team.state, seq: seq - 1 });
  const [admission, departure] = [[world.member(team, world.ben, 'read')], team.departure(world.anna)];
  expect([judgedAt(9_500, admission), judgedAt(9_500, departure)]).toEqual(['accepted', 'accepted']);
  expect([judgedAt(9_501, admission), judgedAt(9_501, [])]).toEqual(['LIMIT', 'LIMIT']);
  expect([judgedAt(10_000, departure), judgedAt(10_000, [team.nextEpoch()])]).toEqual(['accepted', 'accepted']);
  expect(judgedAt(10_001, departure)).toBe('LIMIT');
});

describe('a team', () => {
  /** A share with a team as writer; Anna is in the team. */
  function withTeam() {
    const world = new World();
    const team = world.vault('team');
    world.add(team, world.anna, 'read');
    const vault = world.vault('share');
    world.add(vault, team, 'write');
    return { world, team, vault };
  }
  const teamSeen = (team: { id: Uint8Array; state: { head: Uint8Array } }): Ref => ({
    kind: 'identity',
    subject: team.id,
    head: team.state.head,
  });

  test('gives its members its role, whatever theirs in it', () => {
    const { world, vault } = withTeam();
    expect(judged(vault, world.annas)).toBe('accepted');
    expect(judged(vault, world.bens)).toBe('NOT_ALLOWED');
    expect(roleOf(vault.state, world.anna.account, world.directory())).toBe('write');
  });

  test('is judged at the head that the journal has seen', () => {
    const { world, team, vault } = withTeam();
    world.add(team, world.ben, 'read');
    expect(judged(vault, world.bens)).toBe('NOT_ALLOWED');
    expect(judged(vault, { by: world.bens, refs: [teamSeen(team)] })).toBe('accepted');
    const old = teamSeen(team);
    team.append({ by: world.laptop, refs: [world.removal(world.anna), world.epochWithout(team, world.anna)] });
    expect(judged(vault, world.annas)).toBe('accepted');
    vault.append({ by: world.laptop, refs: [teamSeen(team)] });
    expect(judged(vault, world.annas)).toBe('NOT_ALLOWED');
    expect(judged(vault, { by: world.annas, refs: [old] })).toBe('INVALID');
  });

  test('with new keys does not hold up an epoch, and is admitted again', () => {
    const { world, team, vault } = withTeam();
    team.append({ by: world.laptop, refs: [team.nextEpoch()] });
    vault.append({ by: world.laptop, refs: [teamSeen(team)] });
    const keys = epochRecipients({ state: vault.state, directory: world.directory() });
    expect(keys.map(({ admitted }) => admitted)).toEqual([true, false]);
    expect(judged(vault, world.annas)).toBe('accepted');
    vault.append({ by: world.laptop, refs: [world.member(vault, team)] });
    expect(epochRecipients({ state: vault.state, directory: world.directory() })[1]?.admitted).toBe(true);
  });

  test('knows of a revoked device before the vault does', () => {
    const { world, team, vault } = withTeam();
    const phone = world.anna.enroll();
    vault.append({ by: world.annas, refs: [seen(world.anna)] });
    world.anna.revoke(phone.device);
    team.append({ by: world.laptop, refs: [seen(world.anna)] });
    expect(judged(vault, phone)).toBe('accepted');
    expect(judged(vault, { by: phone, refs: [teamSeen(team)] })).toBe('NOT_ALLOWED');
  });

  test('is changed by its owner alone', () => {
    const { world, team } = withTeam();
    const ben = world.member(team, world.ben, 'read');
    expect(judged(team, { by: world.annas, refs: [ben] })).toBe('NOT_ALLOWED');
    expect(judged(team, { by: world.annas, refs: [team.nextEpoch()] })).toBe('NOT_ALLOWED');
    world.add(team, world.anna, 'write');
    expect(judged(team, { by: world.annas, refs: [ben] })).toBe('NOT_ALLOWED');
    expect(judged(team, { by: world.annas, refs: [team.nextEpoch()] })).toBe('NOT_ALLOWED');
    expect(judged(team, { by: world.laptop, refs: [ben] })).toBe('accepted');
  });

  test('is made of accounts, and cannot be judged by who does not know it', () => {
    const { world, team, vault } = withTeam();
    const second = world.vault('team');
    expect(judged(second, { by: world.laptop, refs: [world.member(second, team)] })).toBe('INVALID');
    world.teams.splice(0);
    expect(judged(vault, world.annas)).toBe('INVALID');
    expect(outcome(() => epochRecipients({ state: vault.state, directory: world.directory() }))).toBe('INVALID');
  });
});
