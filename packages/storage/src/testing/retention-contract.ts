import { concatBytes, sha256 } from '@coffer/core';
import type { Ref } from '@coffer/journal';
import { noIds, parseCommit } from '@coffer/journal';
import type { Commit } from '@coffer/journal';
import { equal } from 'node:assert/strict';
import type { Facts } from '../facts/facts.ts';
import type { ExpiredPut, ExpireVersions } from '../facts/retention-facts.ts';
import type { ContractCase } from './contract.ts';
import { entry, FactsBench, journalUpTo, testId } from './facts-bench.ts';

/** What every `RetentionFacts` promises; a part of `factsContract`. */
export const retentionContract: readonly ContractCase<Facts>[] = [
  {
    name: 'a version that expires leaves a tombstone, and its chunks as if nothing had referred to them',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna, home } = bench;
      const ids = await bench.store(2);
      const first = await bench.append([bench.put(1, ids)]);
      await bench.append([bench.put(1, ids.slice(1))]);
      await facts.expireVersions(expiry(bench, [first]));
      const usage = await facts.usage(anna.account);
      alike([usage.files, usage.versions, usage.uncommittedBytes, usage.chunkBytes], [1, 1, 500, 1000]);
      const look = { vault: home.id, owner: anna.account, uploader: anna.account, ids: concatBytes(...ids) };
      alike(
        (await facts.readableChunks(look)).map((place) => place !== undefined),
        [false, true],
      );
      alike(await facts.tombstonesOf(home.id, entry(1), all), [{ seq: 2, atMs: 7000, cause: 'rules' }]);
      alike(
        (await facts.versionsOf(home.id, entry(1), all)).map(({ seq, newer }) => [seq, newer]),
        [[3, 0]],
      );
      const keep: Ref = { kind: 'keep', entry: entry(1), seq: 2 };
      const prepared = await bench.prepare(home.make({ by: bench.device, refs: [keep] }));
      alike(prepared.status === 'unknownVersion' && prepared.expired, true);
    },
  },
  {
    name: 'what expires twice, is current, or was never put, changes nothing',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna } = bench;
      const ids = await bench.store(2);
      const first = await bench.append([bench.put(1, ids.slice(0, 1))]);
      const second = await bench.append([bench.put(1, ids.slice(1))]);
      await facts.expireVersions(expiry(bench, [first, second]));
      const before = await facts.usage(anna.account);
      const unknown = { entry: entry(9), seq: 2, chunks: [], segments: noIds };
      const change = expiry(bench, [first, second]);
      await facts.expireVersions({ ...change, versions: [...change.versions, unknown] });
      alike(await facts.usage(anna.account), before);
      equal((await facts.versionsOf(bench.home.id, entry(1), all)).length, 1);
      alike(await facts.tombstonesOf(bench.home.id, entry(9), all), []);
    },
  },
  {
    name: 'the trash gets smaller by what expires of it, and a chunk that is missing goes with its last version',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna, home } = bench;
      const [id] = await bench.store(1);
      const missing = testId(77);
      const commit = home.append({ by: bench.device, refs: [bench.put(1, [id, missing])] });
      await bench.prepareWith({ recovering: true }, commit);
      await bench.apply(commit);
      await bench.append([{ kind: 'drop', entries: [entry(1)], reason: 'removed' }]);
      equal((await facts.usage(anna.account)).trashBytes, 500);
      await facts.expireVersions(expiry(bench, [commit]));
      const { trashBytes, versions, uncommittedBytes } = await facts.usage(anna.account);
      alike([trashBytes, versions, uncommittedBytes], [0, 0, 500]);
      // Nobody waits for it any more: it can be sent like any other.
      await bench.index([missing], { bytes: 300 });
      equal((await facts.usage(anna.account)).uncommittedBytes, 800);
    },
  },
  {
    name: 'versions that are not current are listed in order, with all that the rules ask',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, home } = bench;
      for (let count = 0; count < 3; count += 1) await bench.append([bench.put(2, []), bench.put(1, [])]);
      await bench.append([{ kind: 'drop', entries: [entry(2)], reason: 'moved' }]);
      await bench.append([{ kind: 'keep', entry: entry(1), seq: 3 }]);
      await bench.append([{ kind: 'purge', entry: entry(1), seqs: [2, 3] }]);
      const ended = await facts.endedVersions(home.id, undefined, 100);
      alike(
        ended.map(({ entry: id, seq, newer, endedAtMs, ended: how }) => [id[0], seq, newer, endedAtMs, how]),
        [
          [1, 2, 2, 3000, 'replaced'],
          [1, 4, 0, 6000, 'replaced'],
          [2, 2, 2, 3000, 'replaced'],
          [2, 3, 1, 4000, 'replaced'],
          [2, 4, 0, 5000, 'moved'],
        ],
      );
      const drop = { reason: 'moved', atMs: 5000 };
      alike(
        ended.map((version) => [version.purgeReceivedAtMs, version.drop?.reason, version.drop?.atMs]),
        [
          [7000, undefined, undefined],
          [null, undefined, undefined],
          ...Array.from({ length: 3 }, () => [null, drop.reason, drop.atMs]),
        ],
      );
      alike(await facts.endedVersions(home.id, ended[1], 2), ended.slice(2, 4));
      alike(await facts.endedVersions(home.id, ended[4], 2), []);
      const page = await facts.versionsOf(home.id, entry(1), { after: 2, limit: 1 });
      alike(
        page.map(({ seq, newer, ended: how }) => [seq, newer, how]),
        [[3, 1, null]],
      );
    },
  },
  {
    name: 'the newest purge of an entry counts, and an empty one cancels',
    async run(make) {
      await using bench = await FactsBench.open(make);
      await bench.append([bench.put(1, [])]);
      const purged = async (): Promise<unknown> =>
        (await bench.facts.versionsOf(bench.home.id, entry(1), all)).map((version) => version.purgeReceivedAtMs);
      await bench.append([{ kind: 'purge', entry: entry(1), seqs: [2] }]);
      alike(await purged(), [3000]);
      await bench.append([{ kind: 'purge', entry: entry(1), seqs: [3] }]);
      alike(await purged(), [null]);
      await bench.append([{ kind: 'purge', entry: entry(1), seqs: [2] }]);
      await bench.append([{ kind: 'purge', entry: entry(1), seqs: [] }]);
      alike(await purged(), [null]);
    },
  },
  {
    name: 'policies: the last before the delay, and the largest figures since',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, home } = bench;
      alike(await facts.policies(home.id, 1e9), { changes: [], last: undefined });
      for (const [versions, days] of [
        [1, 9],
        [7, 2],
        [3, 5],
      ] as const)
        await bench.append([{ kind: 'policy', policy: { versions, days, trashDays: 4 } }]);
      const week = 7 * 24 * 3600 * 1000;
      const { changes, last } = await facts.policies(home.id, week + 2000);
      alike(changes, [
        { policy: { versions: 1, days: 9, trashDays: 4 }, receivedAtMs: 2000 },
        { policy: { versions: 7, days: 5, trashDays: 4 }, receivedAtMs: 4000 },
      ]);
      alike(last, { policy: { versions: 3, days: 5, trashDays: 4 }, receivedAtMs: 4000 });
    },
  },
  {
    name: 'holds: the last change of each holder, in whatever order they are found',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna, bert } = bench;
      const change = { account: anna.account, by: 'account', reason: 'r' } as const;
      await facts.changeHold({ ...change, on: true, atMs: 10 }, []);
      await facts.changeHold({ ...change, on: false, atMs: 20 }, []);
      await facts.changeHold({ ...change, on: true, atMs: 15 }, []);
      await facts.changeHold({ ...change, by: 'admin', on: true, atMs: 5 }, []);
      alike(
        (await facts.holds(anna.account)).map(({ by, on, atMs, sinceMs }) => [by, on, atMs, sinceMs]),
        [
          ['account', false, 20, 10],
          ['admin', true, 5, 5],
        ],
      );
      alike(await facts.holds(bert.account), []);
    },
  },
  {
    name: 'found statements wait, and are gone when they were carried out',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, home, anna } = bench;
      const place = { pack: 'f'.repeat(32), offset: 12, bytes: 300 };
      const found = { id: sha256(testId(5)), vault: home.id, owner: anna.account, place };
      const hold = { account: anna.account, by: 'admin', on: true, atMs: 5, reason: '' } as const;
      const progress = journalUpTo(place, anna.account);
      for (let count = 0; count < 2; count += 1)
        await facts.noteCommits([], progress, { expiries: [found], holds: [hold], setAside: [] });
      alike((await facts.vaultsToExpire()).map(hex), [hex(home.id)]);
      const [noted] = await facts.foundExpiries(home.id, 10);
      alike([hex(noted?.id), noted?.place], [hex(found.id), place]);
      equal((await facts.holds(anna.account)).length, 1);
      await facts.expireVersions({ ...expiry(bench, []), found: found.id });
      alike(await facts.vaultsToExpire(), []);
      alike(await facts.foundExpiries(home.id, 10), []);
    },
  },
  {
    name: 'all vaults are listed, page by page',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const share = await bench.addVault('share');
      const [first] = await bench.facts.vaultsAfter(undefined, 1);
      const [second] = await bench.facts.vaultsAfter(first?.vault, 1);
      alike([hex(first?.vault), hex(second?.vault)].toSorted(), [hex(bench.home.id), hex(share.id)].toSorted());
      alike(await bench.facts.vaultsAfter(second?.vault, 1), []);
    },
  },
];

const all = { after: 0, limit: 100 };

/** What the commits put, as an expiry at 7000 ms. */
function expiry({ home, anna }: FactsBench, commits: readonly Commit[]): ExpireVersions {
  const versions = commits.flatMap(expiredPuts);
  return { vault: home.id, owner: anna.account, atMs: 7000, cause: 'rules', versions, packs: [] };
}

/** Every version that a commit put. */
export function expiredPuts({ bytes }: Pick<Commit, 'bytes'>): ExpiredPut[] {
  const { header } = parseCommit(bytes);
  return header.refs.flatMap((ref) => (ref.kind === 'put' ? [{ ...ref, seq: header.seq }] : []));
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}

/** Equal as data: what crossed threads or realms is not of the same classes. */
function alike(actual: unknown, expected: unknown): void {
  equal(JSON.stringify(actual), JSON.stringify(expected));
}
