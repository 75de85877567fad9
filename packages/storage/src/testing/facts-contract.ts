import { concatBytes } from '@coffer/core';
import type { Ref } from '@coffer/journal';
import { encodeVaultState, noIds, parseSegment, segmentId } from '@coffer/journal';
import { putRef } from '@coffer/journal/testing';
import { equal, ok, rejects } from 'node:assert/strict';
import type { Facts } from '../facts/facts.ts';
import { collectionContract } from './collection-contract.ts';
import type { ContractCase } from './contract.ts';
import { entry, FactsBench, journalUpTo, testId } from './facts-bench.ts';
import { retentionContract } from './retention-contract.ts';
import { sharingContract } from './sharing-contract.ts';

const MiB = 1024 * 1024;

/** What every {@link Facts} promises. */
export const factsContract: readonly ContractCase<Facts>[] = [
  ...retentionContract,
  ...collectionContract,
  ...sharingContract,
  {
    name: 'a chunk that was indexed is stored, once, for its uploader and its owner',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna, home } = bench;
      const [id] = await bench.store(1);
      await bench.index([id], { bytes: 999 });
      const question = { owner: anna.account, vault: home.id, uploader: anna.account, kind: 'chunk', id } as const;
      equal(facts.isStored(question), true);
      equal(facts.isStored({ ...question, uploader: bench.bert.account }), false);
      equal(facts.isStored({ ...question, owner: bench.bert.account }), false);
      equal(facts.isStored({ ...question, id: testId(99) }), false);
      equal((await facts.usage(anna.account)).chunkBytes, 500);
    },
  },
  {
    name: 'claiming answers what is there for its uploader',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna, bert, home } = bench;
      const [one, two = one] = await bench.store(2);
      const claim = { owner: anna.account, vault: home.id, uploader: anna.account, graceUntilMs: 1 };
      const ids = concatBytes(one, testId(50), two);
      alike(await facts.claimChunks({ ...claim, ids }), [true, false, true]);
      alike(await facts.claimChunks({ ...claim, uploader: bert.account, ids }), [false, false, false]);
      alike(await facts.claimChunks({ ...claim, ids: noIds }), []);
    },
  },
  {
    name: 'an applied commit is listed, moves the head and counts its chunks',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna, home } = bench;
      const ids = await bench.store(3);
      equal((await facts.usage(anna.account)).uncommittedBytes, 1500);
      const commit = await bench.append([bench.put(1, ids.slice(0, 2))]);
      const vault = await facts.vault(home.id);
      alike([vault?.seq, hex(vault?.head), hex(vault?.owner)], [2, hex(commit.hash), hex(anna.account)]);
      alike(hex(vault?.state), hex(encodeVaultState(home.state)));
      const commits = await facts.commits(home.id, 0, 10);
      alike(
        commits.map(({ seq, hash }) => [seq, hex(hash)]),
        [
          [1, hex(home.genesis.hash)],
          [2, hex(commit.hash)],
        ],
      );
      alike(
        (await facts.commits(home.id, 1, 10)).map(({ seq }) => seq),
        [2],
      );
      alike(
        (await facts.commits(home.id, 0, 1)).map(({ seq }) => seq),
        [1],
      );
      const usage = await facts.usage(anna.account);
      alike([usage.chunkBytes, usage.uncommittedBytes, usage.files, usage.versions], [1500, 500, 1, 1]);
      equal(usage.journalBytes, bench.journalBytes);
    },
  },
  {
    name: 'a vault is listed for its members with their roles',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const [membership] = await bench.facts.vaultsOf(bench.anna.account);
      alike(
        [hex(membership?.vault), membership?.role, membership?.kind, membership?.seq],
        [hex(bench.home.id), 'owner', 'home', 1],
      );
      alike(await bench.facts.vaultsOf(bench.bert.account), []);
      equal(await bench.facts.vault(new Uint8Array(32)), undefined);
    },
  },
  {
    name: 'only chunks of versions can be read, and only in their vault',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna } = bench;
      const ids = await bench.store(2);
      const look = { vault: bench.home.id, owner: anna.account, uploader: anna.account, ids: concatBytes(...ids) };
      alike(await facts.readableChunks(look), [undefined, undefined]);
      await bench.append([bench.put(1, ids.slice(1))]);
      const [first, second] = await facts.readableChunks(look);
      equal(first, undefined);
      alike([second?.pack, second?.bytes, hex(second?.id)], ['c'.repeat(32), 500, hex(ids[1])]);
      const share = await bench.addVault('share');
      alike(await facts.readableChunks({ ...look, vault: share.id }), [undefined, undefined]);
    },
  },
  {
    name: 'missing chunks are named and nothing is pinned',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const [known] = await bench.store(1);
      const commit = bench.home.make({ by: bench.device, refs: [bench.put(1, [known, testId(70), testId(71)])] });
      const prepared = await bench.prepare(commit);
      ok(prepared.status === 'missing');
      equal(prepared.count, 2);
      alike(prepared.chunks.map(({ id }) => hex(id)).toSorted(), [testId(70), testId(71)].map(hex).toSorted());
      await rejects(bench.apply(commit));
    },
  },
  {
    name: 'nobody refers to the chunks of another, whether they are there or not',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const [known] = await bench.store(1);
      for (const id of [known, testId(70)]) {
        const ref = putRef(entry(1), { uploader: bench.bert.account, ids: [id] });
        const prepared = await bench.prepare(bench.home.make({ by: bench.device, refs: [ref] }));
        equal(prepared.status, 'notAllowed');
      }
    },
  },
  {
    name: 'the owner refers to own chunks in another own vault, others have to send them for it',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const [id] = await bench.store(1);
      const share = await bench.addVault('share');
      await bench.append([bench.put(1, [id])], share);
      equal((await bench.facts.usage(bench.anna.account)).uncommittedBytes, 0);
    },
  },
  {
    name: 'versions: replaced, removed, moved and kept again',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const ids = await bench.store(3);
      const usage = async (): Promise<number[]> => {
        const { files, versions, trashBytes } = await bench.facts.usage(bench.anna.account);
        return [files, versions, trashBytes];
      };
      await bench.append([bench.put(1, ids.slice(0, 1)), bench.put(2, ids.slice(1, 2))]);
      alike(await usage(), [2, 2, 0]);
      await bench.append([bench.put(1, ids.slice(2, 3))]);
      alike(await usage(), [2, 3, 0]);
      await bench.append([{ kind: 'drop', entries: [entry(1), entry(9)], reason: 'removed' }]);
      alike(await usage(), [1, 3, 500]);
      await bench.append([{ kind: 'drop', entries: [entry(2)], reason: 'moved' }]);
      alike(await usage(), [0, 3, 500]);
      await bench.append([{ kind: 'keep', entry: entry(1), seq: 3 }]);
      alike(await usage(), [1, 3, 0]);
      await bench.append([{ kind: 'keep', entry: entry(1), seq: 2 }]);
      alike(await usage(), [1, 3, 0]);
    },
  },
  {
    name: 'a version that is not there cannot be kept, one of the same append can',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const [id] = await bench.store(1);
      const refs: Ref[] = [{ kind: 'keep', entry: entry(1), seq: 2 }];
      equal((await bench.prepare(bench.home.make({ by: bench.device, refs }))).status, 'unknownVersion');
      const put = bench.home.append({ by: bench.device, refs: [bench.put(1, [id])] });
      const keep = bench.home.append({ by: bench.device, refs });
      equal((await bench.prepare(put, keep)).status, 'ready');
    },
  },
  {
    name: 'the quota counts everything, and removals may go into the reserve',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const [id] = await bench.store(1, 2 * MiB);
      const put = bench.home.make({ by: bench.device, refs: [bench.put(1, [id])] });
      equal((await bench.prepareWith({ quotaBytes: 2 * MiB }, put)).status, 'quota');
      equal((await bench.prepareWith({ quotaBytes: 3 * MiB }, put)).status, 'ready');
      const drop = bench.home.make({
        by: bench.device,
        refs: [{ kind: 'drop', entries: [entry(1)], reason: 'removed' }],
      });
      equal((await bench.prepareWith({ quotaBytes: MiB }, drop)).status, 'ready');
      await bench.store(1, 20 * MiB);
      equal((await bench.prepareWith({ quotaBytes: MiB }, drop)).status, 'quota');
    },
  },
  {
    name: 'the largest file has a limit',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const ids = await bench.store(3);
      const put = bench.home.make({ by: bench.device, refs: [bench.put(1, ids)] });
      equal((await bench.prepareWith({ largestFileBytes: 1499 }, put)).status, 'tooLarge');
      equal((await bench.prepareWith({ largestFileBytes: 1500 }, put)).status, 'ready');
    },
  },
  {
    name: 'a segment needs its chunks, holds them, and is counted like a chunk',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna, home } = bench;
      const ids = await bench.store(2);
      const lacking = bench.segmentOf([...ids, testId(80)]);
      const check = { owner: anna.account, vault: home.id, author: anna.account };
      equal((await facts.checkSegment({ ...check, payload: lacking })).status, 'missing');
      const [refused] = (await bench.indexSegment(lacking)).refused;
      alike([hex(refused?.segment), refused?.missing.length], [hex(segmentId(lacking)), 1]);
      const segment = bench.segmentOf(ids);
      equal((await facts.checkSegment({ ...check, payload: segment })).status, 'ready');
      alike((await bench.indexSegment(segment)).refused, []);
      const stored = { owner: anna.account, vault: home.id, uploader: anna.account, kind: 'segment' } as const;
      equal(facts.isStored({ ...stored, id: segmentId(lacking) }), false);
      equal(facts.isStored({ ...stored, id: segmentId(segment) }), true);
      alike((await facts.usage(anna.account)).uncommittedBytes, 700);
      await bench.append([{ kind: 'put', entry: entry(1), chunks: [], segments: segmentId(segment) }]);
      const usage = await facts.usage(anna.account);
      alike([usage.uncommittedBytes, usage.files, usage.chunkBytes], [0, 1, 1700]);
      const look = { vault: home.id, owner: anna.account, uploader: anna.account, ids: concatBytes(...ids) };
      ok((await facts.readableChunks(look)).every((place) => place !== undefined));
    },
  },
  {
    name: 'a segment of another vault of the owner is asked for, then used',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna } = bench;
      const segment = await bench.storeSegment(2);
      const ids = parseSegment(segment).chunks.map((group) => group.ids);
      const share = await bench.addVault('share');
      const refs: Ref[] = [{ kind: 'put', entry: entry(1), chunks: [], segments: segmentId(segment) }];
      const commit = share.append({ by: bench.device, refs });
      const asked = await bench.prepareWith({ vault: share.id }, commit);
      ok(asked.status === 'segments');
      equal(asked.places.length, 1);
      equal((await bench.prepareWith({ vault: share.id, segments: [segment] }, commit)).status, 'ready');
      await bench.apply(commit, share);
      const look = { vault: share.id, owner: anna.account, uploader: anna.account, ids: concatBytes(...ids) };
      ok((await facts.readableChunks(look)).every((place) => place !== undefined));
    },
  },
  {
    name: 'a cancelled append leaves nothing and cannot be applied',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const [id] = await bench.store(1);
      const commit = bench.home.make({ by: bench.device, refs: [bench.put(1, [id])] });
      equal((await bench.prepare(commit)).status, 'ready');
      await bench.facts.cancelAppend(bench.token);
      await rejects(bench.apply(commit));
      equal((await bench.facts.vault(bench.home.id))?.seq, 1);
    },
  },
  {
    name: 'packs are known with their progress',
    async run(make) {
      const facts = await make();
      await using _facts = facts;
      const progress = {
        owner: testId(1).subarray(16),
        kind: 'journal',
        pack: 'a'.repeat(32),
        indexedBytes: 500,
        sealed: false,
      } as const;
      await facts.advancePacks([progress]);
      await facts.advancePacks([{ ...progress, indexedBytes: 900, sealed: true }]);
      const [known] = await facts.packs();
      alike([known?.pack, known?.kind, known?.indexedBytes, known?.sealed], ['a'.repeat(32), 'journal', 900, true]);
      await facts.checkpoint();
      equal(await facts.isComplete(), false);
      await facts.markComplete();
      equal(await facts.isComplete(), true);
    },
  },
  {
    name: 'found commits wait for their turn and are gone when it came',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, home, anna } = bench;
      const commit = home.append({ by: bench.device });
      const place = { pack: 'f'.repeat(32), offset: 12, bytes: 300 };
      const found = { vault: home.id, owner: anna.account, seq: 2, hash: commit.hash, receivedAtMs: 5, place };
      const progress = journalUpTo(place, anna.account);
      await facts.noteCommits([found], progress);
      alike((await facts.vaultsToRecover()).map(hex), [hex(home.id)]);
      const [noted] = await facts.foundCommits(home.id, 2);
      alike([hex(noted?.hash), noted?.place, hex(noted?.owner)], [hex(commit.hash), place, hex(anna.account)]);
      alike(await facts.foundCommits(home.id, 3), []);
      equal((await bench.prepareWith({ recovering: true }, commit)).status, 'ready');
      await bench.apply(commit);
      alike(await facts.vaultsToRecover(), []);
      await facts.noteCommits([found], progress);
      alike(await facts.vaultsToRecover(), []);
    },
  },
  {
    name: 'a recovery notes what is missing, and an upload heals it',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna, home } = bench;
      const id = testId(90);
      const commit = home.append({ by: bench.device, refs: [bench.put(1, [id])] });
      equal((await bench.prepareWith({ recovering: true }, commit)).status, 'ready');
      await bench.apply(commit);
      const look = { vault: home.id, owner: anna.account, uploader: anna.account, ids: id };
      alike(await facts.readableChunks(look), [undefined]);
      alike(await facts.claimChunks({ ...look, graceUntilMs: 1 }), [false]);
      await bench.index([id], { bytes: 321 });
      equal((await facts.readableChunks(look))[0]?.bytes, 321);
      const usage = await facts.usage(anna.account);
      alike([usage.chunkBytes, usage.uncommittedBytes], [321, 0]);
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
