import { concatBytes, decodeCbor, encodeCbor, idKey, rootEntry } from '@coffer/core';
import { describe, expect, test } from '@jest/globals';
import {
  decodeVaultState,
  defaultRetention,
  encodeVaultState,
  judgeCommit,
  makeCommit,
  noIds,
  openVault,
  parseCommit,
  roleOf,
} from '@coffer/journal';
import type { CommitHeader, Ref } from '@coffer/journal';
import { putRef, TestAccount } from '@coffer/journal/testing';
import { everyDamage, outcome } from './expect-code.ts';
import { judged, World } from './world.ts';

const entry = new Uint8Array(16).fill(1);
const other = new Uint8Array(16).fill(2);
const id = new Uint8Array(32).fill(3);

describe('a journal', () => {
  test('goes on from commit to commit', () => {
    const world = new World();
    const vault = world.vault('home');
    const first = vault.append({ by: world.laptop });
    const second = vault.append({ by: world.laptop, refs: [{ kind: 'keep', entry, seq: 2 }] });
    expect(second.header.prev).toEqual(first.hash);
    expect(vault.state).toMatchObject({ kind: 'home', seq: 3, head: second.hash, epoch: 0, policy: defaultRetention });
    expect(roleOf(vault.state, world.owner.account, world.directory())).toBe('owner');
    expect(roleOf(vault.state, world.anna.account, world.directory())).toBeUndefined();
  });

  test('judges without changing the state it was given', () => {
    const world = new World();
    const vault = world.vault();
    const before = structuredClone(vault.state);
    const commit = vault.make({ by: world.laptop, refs: [world.member(vault, world.anna)] });
    expect(judgeCommit(vault.state, commit, world.directory()).members.size).toBe(2);
    expect(vault.state).toEqual(before);
  });

  test('its stored state, damaged, is refused or is another; it never crashes', () => {
    const world = new World();
    const vault = world.vault('share');
    world.add(vault, world.anna);
    const stored = encodeVaultState(vault.state);
    const results = everyDamage(stored).map((bytes) => outcome(() => encodeVaultState(decodeVaultState(bytes))));
    expect(new Set(results)).toEqual(new Set(['accepted', 'INVALID']));
  });

  test('its state survives storage', () => {
    const world = new World();
    const vault = world.vault('team');
    world.add(vault, world.anna);
    vault.append({ by: world.laptop, refs: [{ kind: 'policy', policy: { versions: 7, days: 8, trashDays: 9 } }] });
    const stored = encodeVaultState(vault.state);
    expect(decodeVaultState(stored)).toEqual(vault.state);
    expect(outcome(() => decodeVaultState(concatBytes(stored, Uint8Array.of(0))))).toBe('INVALID');
    const { members, ...rest } = vault.state;
    expect(
      outcome(() => decodeVaultState(encodeVaultState({ ...rest, members: new Map([...members].slice(1)) }))),
    ).toBe('INVALID');
  });

  test.each<[string, Partial<CommitHeader>, string]>([
    ['a position already taken', { seq: 2 }, 'CONFLICT'],
    ['a position further on', { seq: 4 }, 'CONFLICT'],
    ['another predecessor', { prev: id }, 'CONFLICT'],
    ['a past epoch', { epoch: 0 }, 'CONFLICT'],
    ['a future epoch', { epoch: 2 }, 'CONFLICT'],
    ['another vault', { vault: id }, 'INVALID'],
    ['an unknown device', { device: entry }, 'NOT_ALLOWED'],
    ['an unknown account', { account: entry }, 'NOT_ALLOWED'],
    ['nothing wrong', {}, 'accepted'],
  ])('with %s: %j is %s', (_name, header, expected) => {
    const world = new World();
    const vault = world.vault('home');
    vault.append({ by: world.laptop, refs: [vault.nextEpoch()] });
    expect(judged(vault, { by: world.laptop, header })).toBe(expected);
  });

  test('a commit that was accepted is not accepted again, nor its twin at the same place', () => {
    const world = new World();
    const vault = world.vault('home');
    const twin = vault.make({ by: world.laptop });
    const commit = vault.append({ by: world.laptop });
    expect(outcome(() => vault.add(parseCommit(commit.bytes)))).toBe('CONFLICT');
    expect(outcome(() => vault.add(twin))).toBe('CONFLICT');
  });

  test('the signature is that of the device that is named', () => {
    const world = new World();
    const vault = world.vault('home');
    const second = world.owner.enroll();
    vault.append({
      by: world.laptop,
      refs: [{ kind: 'identity', subject: world.owner.account, head: world.owner.state.head }],
    });
    expect(judged(vault, { by: { ...world.laptop, sign: second.sign } })).toBe('INTEGRITY');
    expect(judged(vault, { by: { ...world.laptop, device: second.device } })).toBe('INTEGRITY');
    expect(judged(vault, second)).toBe('accepted');
  });
});

describe('a genesis', () => {
  const world = new World();
  const { genesis } = world.vault('home');
  const [first, epoch] = genesis.header.refs as [Extract<Ref, { kind: 'genesis' }>, Extract<Ref, { kind: 'epoch' }>];
  const seal = epoch.seals[0] ?? { recipient: entry, worker: null, fingerprint: id, sealed: id };
  const open = (header: Partial<CommitHeader>, sign = world.owner.identityKey.sign) =>
    outcome(() =>
      openVault(makeCommit({ header: { ...genesis.header, ...header }, body: genesis.body, sign }), world.directory()),
    );

  test.each<[string, Partial<CommitHeader>, string]>([
    ['of its owner', {}, 'accepted'],
    ['of another account', { account: world.anna.account }, 'INVALID'],
    ['for another owner', { refs: [{ ...first, owner: world.anna.account }, epoch] }, 'INVALID'],
    ['with another fingerprint', { refs: [{ ...first, fingerprint: id }, epoch] }, 'INVALID'],
    ['with an unknown head', { refs: [{ ...first, chainHead: id }, epoch] }, 'INVALID'],
    ['without an epoch', { refs: [first] }, 'INVALID'],
    ['with more', { refs: [first, epoch, { kind: 'keep', entry, seq: 1 }] }, 'INVALID'],
    ['with two beginnings', { refs: [first, first] }, 'INVALID'],
    ['in epoch 1', { epoch: 1 }, 'INVALID'],
    ['with epoch 1', { epoch: 1, refs: [first, { ...epoch, n: 1, link: id }] }, 'INVALID'],
    ['with a link', { refs: [first, { ...epoch, link: id }] }, 'INVALID'],
    ['with a team key', { refs: [first, { ...epoch, teamKey: new Uint8Array(1216) }] }, 'INVALID'],
    ['of a team without a key', { refs: [{ ...first, vaultKind: 'team' }, epoch] }, 'INVALID'],
    [
      'sealed to a stranger',
      { refs: [first, { ...epoch, seals: [seal, { ...seal, recipient: world.anna.account }] }] },
      'INVALID',
    ],
    [
      'sealed only to a stranger',
      { refs: [first, { ...epoch, seals: [{ ...seal, recipient: world.anna.account }] }] },
      'INVALID',
    ],
    ['sealed twice', { refs: [first, { ...epoch, seals: [seal, seal] }] }, 'INVALID'],
    ['sealed to another key', { refs: [first, { ...epoch, seals: [{ ...seal, fingerprint: id }] }] }, 'INVALID'],
  ])('%s', (_name, header, expected) => {
    expect(open(header)).toBe(expected);
  });

  test('is signed by the identity, not by a device', () => {
    expect(open({}, world.laptop.sign)).toBe('INTEGRITY');
  });

  test('is no commit of a vault that is open', () => {
    const vault = world.vault('home');
    expect(outcome(() => vault.add(genesis))).toBe('INVALID');
  });

  test('of an unknown account is refused', () => {
    expect(outcome(() => openVault(genesis, TestAccount.directory(world.anna)))).toBe('INVALID');
  });
});

describe('content', () => {
  const world = new World();
  const vault = world.vault('home');
  const share = world.vault('share');
  const team = world.vault('team');
  const own = putRef(entry, { uploader: world.owner.account, ids: [id] });
  const annas = putRef(entry, { uploader: world.anna.account, ids: [id] });
  const bare = { kind: 'put', entry, chunks: [], segments: noIds } as const;
  const drop = { kind: 'drop', entries: [entry], reason: 'removed' } as const;
  const keep = { kind: 'keep', entry, seq: 1 } as const;
  const purge = { kind: 'purge', entry, seqs: [1] } as const;

  test.each<[string, readonly Ref[], string]>([
    ['a put', [own], 'accepted'],
    ['a put of nothing', [bare], 'accepted'],
    ["a put of somebody else's chunks at home", [annas], 'INVALID'],
    ['two puts of one entry', [own, bare], 'INVALID'],
    ['a put and a drop of one entry', [own, drop], 'INVALID'],
    ['a put and a keep of one entry', [own, keep], 'INVALID'],
    ['a keep and a purge of one entry', [keep, purge], 'INVALID'],
    ['a drop that names an entry twice', [{ ...drop, entries: [entry, entry] }], 'INVALID'],
    ['two drops of two entries', [drop, { ...drop, entries: [other], reason: 'moved' }], 'accepted'],
    ['a put of the root', [{ ...bare, entry: rootEntry }], 'INVALID'],
    ['a drop of the root', [{ ...drop, entries: [rootEntry] }], 'INVALID'],
    ['a keep of this very commit', [{ ...keep, seq: 2 }], 'INVALID'],
    ['a purge of this very commit', [{ ...purge, seqs: [1, 2] }], 'INVALID'],
    ['a purge', [purge], 'accepted'],
    ['a policy', [{ kind: 'policy', policy: defaultRetention }], 'accepted'],
    [
      'two policies',
      [
        { kind: 'policy', policy: defaultRetention },
        { kind: 'policy', policy: defaultRetention },
      ],
      'INVALID',
    ],
  ])('%s', (_name, refs, expected) => {
    expect(judged(vault, { by: world.laptop, refs })).toBe(expected);
  });

  test('a share may hold chunks of any member; a team holds none', () => {
    expect(judged(share, { by: world.laptop, refs: [annas] })).toBe('accepted');
    for (const ref of [own, drop, keep, purge]) expect(judged(team, { by: world.laptop, refs: [ref] })).toBe('INVALID');
  });
});

describe('refs that are not well-formed', () => {
  test.each<[string, unknown, string?]>([
    ['nothing wrong', ['keep', entry, 1], 'accepted'],
    ['checkpoint', ['checkpoint', id]],
    ['an unknown kind', ['grant', entry]],
    ['a kind of Object.prototype', ['constructor']],
    ['no kind', [1]],
    ['no array', 'put'],
    ['a put without segments', ['put', entry, []]],
    ['a put with ids out of order', ['put', entry, [[entry, concatBytes(new Uint8Array(32).fill(9), id)]], noIds]],
    ['a put with an id twice', ['put', entry, [[entry, concatBytes(id, id)]], noIds]],
    [
      'a put with uploaders out of order',
      [
        'put',
        entry,
        [
          [other, id],
          [entry, id],
        ],
        noIds,
      ],
    ],
    ['a put with an uploader without ids', ['put', entry, [[entry, noIds]], noIds]],
    ['a put with half an id', ['put', entry, [[entry, id.subarray(1)]], noIds]],
    ['a drop of nothing', ['drop', [], 'removed']],
    ['a drop for an unknown reason', ['drop', [entry], 'lost']],
    ['a keep of position 0', ['keep', entry, 0]],
    ['a keep of position -1', ['keep', entry, -1]],
    ['a purge out of order', ['purge', entry, [2, 1]]],
    ['a policy that keeps nothing', ['policy', { versions: 0, days: 1, trashDays: 1 }]],
    ['a policy with a field too many', ['policy', { versions: 1, days: 1, trashDays: 1, x: 1 }]],
    ['an identity of 20 bytes', ['identity', new Uint8Array(20), id]],
    ['a member of an unknown role', ['member', entry, 'admin', id, id, []]],
    ['an epoch sealed to nobody', ['epoch', 1, id, id, [], null]],
    ['an epoch with a huge seal', ['epoch', 1, id, id, [[entry, null, id, new Uint8Array(4096)]], null]],
  ])('%s', (_name, array, expected = 'INVALID') => {
    const world = new World();
    const vault = world.vault('home');
    const commit = vault.make({ by: world.laptop });
    const header = encodeCbor({ ...(decodeCbor(commit.headerBytes) as object), refs: [array] });
    const make = () => parseCommit(encodeCbor([header, commit.signature, commit.body]));
    expect(outcome(make)).toBe(expected);
  });

  test('too many of them', () => {
    const world = new World();
    const vault = world.vault('home');
    const refs = Array.from({ length: 2001 }, (_, seq): Ref => ({
      kind: 'keep',
      entry: world.owner.random.bytes(16),
      seq: seq + 1,
    }));
    expect(outcome(() => vault.make({ by: world.laptop, refs }))).toBe('INVALID');
    expect(idKey(vault.make({ by: world.laptop, refs: refs.slice(1) }).vault)).toBe(idKey(vault.id));
  });
});
