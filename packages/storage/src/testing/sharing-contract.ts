import { putRef } from '@coffer/journal/testing';
import { equal } from 'node:assert/strict';
import type { Facts, FoundCommit } from '../facts/facts.ts';
import type { ContractCase } from './contract.ts';
import { entry, FactsBench, journalUpTo, testId } from './facts-bench.ts';

/** What several accounts, their teams and a restore ask of every {@link Facts}. */
export const sharingContract: readonly ContractCase<Facts>[] = [
  {
    name: 'what another account sends counts for it, up to its part, until it is collected',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna, bert, home } = bench;
      const [owner, writer] = [anna.account, bert.account];
      const by = bert.enroll();
      await bench.store(1);
      await bench.index([testId(1), testId(2)], { bytes: 500, uploader: writer });
      await bench.index([testId(1)], { bytes: 500, uploader: writer });
      const segment = bench.segmentOf([testId(2)], writer);
      await bench.indexSegment(segment, writer);
      await bench.indexSegment(segment);
      equal(await facts.writtenBytes(owner, writer), 1700);
      equal(await facts.writtenBytes(owner, owner), 0);
      equal(await facts.writtenBytes(writer, owner), 0);

      const put = home.make({ by, refs: [putRef(entry(1), { uploader: writer, ids: [testId(1)] })] });
      const full = 1700 + put.bytes.byteLength;
      alike(await bench.prepareWith({ memberBytes: full - 1 }, put), {
        status: 'memberQuota',
        usedBytes: 1700,
        quotaBytes: full - 1,
      });
      const drop = home.make({ by, refs: [{ kind: 'drop', entries: [entry(1)], reason: 'removed' }] });
      equal((await bench.prepareWith({ memberBytes: 100 }, drop)).status, 'ready');
      const own = home.make({ by: bench.device, refs: [bench.put(1, await bench.store(1))] });
      equal((await bench.prepareWith({ memberBytes: 0 }, own)).status, 'ready');
      equal((await bench.prepareWith({ memberBytes: full }, put)).status, 'ready');
      await bench.apply(put);
      const written = 1700 + put.bytes.byteLength + 104;
      equal(await facts.writtenBytes(owner, writer), written);
      equal((await facts.usage(owner)).othersBytes, written);
      alike(await facts.recount(), []);

      await facts.sweepChunks({ after: 0, nowMs: 5000 });
      await facts.collectSegments({ owner, payloads: [segment], nowMs: 5000 });
      await facts.sweepChunks({ after: 0, nowMs: 5000 });
      equal(await facts.writtenBytes(owner, writer), written - 1200);
      alike(await facts.recount(), []);
    },
  },
  {
    name: 'commits of a team are found by their hash, and states by the nearest that was kept',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, home } = bench;
      const team = await bench.addVault('team');
      const second = await bench.append([team.nextEpoch()], team);
      const third = await bench.append([team.nextEpoch()], team, [{ seq: 3, state: testId(3) }]);
      await bench.append([team.nextEpoch()], team);
      const seqs = [team.genesis, second, third].map(({ hash }) => facts.teamSeq(team.id, hash));
      alike(await Promise.all(seqs), [1, 2, 3]);
      equal(await facts.teamSeq(team.id, new Uint8Array(32)), undefined);
      equal(await facts.teamSeq(home.id, home.genesis.hash), undefined);
      const states = [1, 2, 3, 4].map((seq) => facts.teamStateUpTo(team.id, seq));
      alike((await Promise.all(states)).map(hex), [undefined, undefined, testId(3), testId(3)].map(hex));
      const bytes = team.commits.reduce((sum, commit) => sum + commit.bytes.byteLength + 104, 0);
      equal(await facts.journalBytes(team.id), bytes);
      equal(await facts.journalBytes(new Uint8Array(32)), 0);
    },
  },
  {
    name: 'what was set aside is found no more, wherever the word of it lies; the same commit elsewhere is',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, home, anna } = bench;
      const foundAt = (seq: number): FoundCommit => ({
        vault: home.id,
        owner: anna.account,
        seq,
        hash: new Uint8Array(32).fill(seq),
        receivedAtMs: 1,
        place: { pack: 'f'.repeat(32), offset: seq, bytes: 1 },
      });
      const [first, later] = [foundAt(2), [foundAt(3), foundAt(5)]];
      const pack = journalUpTo(first.place, anna.account);
      await facts.noteCommits([first, ...later], pack);
      const seqs = async (after: number, limit = 10) =>
        (await facts.foundAfter(home.id, after, limit)).map(({ seq }) => seq);
      alike(
        [await seqs(1), await seqs(2), await seqs(1, 2)],
        [
          [2, 3, 5],
          [3, 5],
          [2, 3],
        ],
      );
      await facts.setAsideCommits([first.place], [pack]);
      alike(await seqs(0), [3, 5]);
      const found = { expiries: [], holds: [], setAside: later.map(({ place }) => place) };
      await facts.noteCommits([first, ...later], pack, found);
      alike([await seqs(0), await facts.vaultsToRecover()], [[], []]);
      await facts.noteCommits([{ ...first, place: { ...first.place, offset: 99 } }], pack);
      alike(await seqs(0), [2]);
    },
  },
];

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}

/** Equal as data: what crossed threads or realms is not of the same classes. */
function alike(actual: unknown, expected: unknown): void {
  equal(JSON.stringify(actual), JSON.stringify(expected));
}
