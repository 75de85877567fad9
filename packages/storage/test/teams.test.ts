import { idKey, MiB, silentLogger, systemClock, systemRandom } from '@coffer/core';
import type { Directory, Ref, Role } from '@coffer/journal';
import { TestAccount, TestVault } from '@coffer/journal/testing';
import { describe, expect, test } from '@jest/globals';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { backupAccounts, restoreStorage } from '../src/index.ts';
import { FactsHook } from './support/facts-hook.ts';
import { StorageBench } from './support/storage-bench.ts';

/** A team with two people and a share that it writes to, made by the owner of a storage. */
class TeamBench {
  readonly bench: StorageBench;
  readonly ben = new TestAccount(2);
  readonly carl = new TestAccount(3);
  readonly bens = this.ben.enroll();
  readonly carls = this.carl.enroll();
  readonly team: TestVault;
  readonly share: TestVault;
  /** Those that shares may name. */
  readonly teams: TestVault[] = [];

  constructor(bench: StorageBench) {
    this.bench = bench;
    const directory = (): Directory => this.directory();
    this.team = new TestVault({ owner: bench.owner, kind: 'team', directory });
    this.teams.push(this.team);
    this.share = this.newShare();
  }

  newShare(): TestVault {
    return new TestVault({ owner: this.bench.owner, kind: 'share', directory: () => this.directory() });
  }

  static async open(bench: StorageBench): Promise<TeamBench> {
    const made = new TeamBench(bench);
    await bench.addAccount('ben', made.ben);
    await bench.addAccount('carl', made.carl);
    for (const { genesis } of [made.team, made.share]) await bench.storage.createVault(genesis);
    return made;
  }

  /** Appends to the storage what the test vault took. */
  async append(
    vault: TestVault,
    by: TestVault['make'] extends (commit: infer C) => unknown ? C : never,
  ): Promise<void> {
    await this.bench.storage.append(vault.id, [vault.append(by)]);
  }

  async add(vault: TestVault, who: TestAccount | TestVault, role: Role = 'write'): Promise<void> {
    await this.append(vault, { by: this.bench.device, refs: [vault.admission(who, role)] });
  }

  /** Bodies of commits after which a journal has less than 300 bytes left of `bytes`. */
  roomOf(vault: TestVault, bytes: number): readonly Uint8Array[] {
    const header = vault.make({ by: this.bench.device, body: new Uint8Array(0) }).bytes.byteLength;
    let left = bytes - vault.commits.reduce((sum, commit) => sum + commit.bytes.byteLength, 0);
    const bodies: Uint8Array[] = [];
    for (; left > 2 * MiB; left -= MiB + header + 8) bodies.push(new Uint8Array(MiB));
    bodies.push(new Uint8Array(left / 2), new Uint8Array(left / 2 - 2 * header - 100));
    return bodies;
  }

  /** The share's journal takes note of the team as it is now. */
  get teamSeen(): Ref {
    return { kind: 'identity', subject: this.team.id, head: this.team.state.head };
  }

  directory(): Directory {
    const chains = TestAccount.directory(this.bench.owner, this.ben, this.carl);
    return {
      identity: (account, head) => chains.identity(account, head),
      team: (id, head) => this.teams.find((team) => idKey(team.id) === idKey(id))?.teamState(head),
    };
  }
}

describe('a team that has changed too often', () => {
  test('lets nobody in any more, and whoever is in can still go', async () => {
    await using bench = await StorageBench.open();
    const one = await TeamBench.open(bench);
    await one.add(one.team, one.ben, 'read');
    const { team } = one;
    const by = bench.device;
    const outcome = (commit: Parameters<TestVault['make']>[0]) =>
      bench.storage.append(team.id, [team.make(commit)]).then(
        () => 'taken',
        ({ code }: { code: string }) => code,
      );
    // Of 64 MiB the last 16 are for departures.
    const full = one.roomOf(team, 48 * MiB);
    for (const body of full) await one.append(team, { by, body });
    const admission = team.admission(one.carl, 'read');
    const tried = [{ refs: [admission] }, { refs: [admission, team.nextEpoch()] }, { body: new Uint8Array(300) }];
    for (const commit of tried) expect(await outcome({ by, ...commit })).toBe('LIMIT');
    await one.append(team, { by: bench.device, refs: team.departure(one.ben) });
    expect((await bench.storage.vaultState(team.id))?.members.size).toBe(1);
  });
});

test('what a member has sent counts against its part, and is known again after the index was lost', async () => {
  await using bench = await StorageBench.open({ memberShare: () => 0.5 });
  const one = await TeamBench.open(bench);
  const [owner, ben] = [bench.owner.account, one.ben.account];
  await bench.storage.accounts.setQuota(owner, 400_000);
  await one.add(one.share, one.ben);
  const put = async (uploader: Uint8Array, bytes: number): Promise<void> => {
    const writer = await bench.storage.putChunks({ vault: one.share.id, uploader, kind: 'chunk' });
    await writer.put(systemRandom.bytes(32), systemRandom.bytes(bytes));
    await writer.finish();
  };
  await put(ben, 150_000);
  const full = { code: 'QUOTA', details: { quotaBytes: 200_000, of: 'member' } };
  await expect(put(ben, 60_000)).rejects.toMatchObject(full);
  await put(owner, 60_000);
  await one.append(one.share, { by: one.bens });
  const before = await bench.storage.memberUsage(owner, ben);
  expect(before.quotaBytes).toBe(200_000);
  expect(before.storedBytes).toBe(150_104 + 104 + (one.share.commits.at(-1)?.bytes.byteLength ?? 0));
  await bench.stop();
  await bench.removeIndex();
  await bench.start();
  expect(await bench.storage.memberUsage(owner, ben)).toEqual(before);
  expect(await bench.storage.recount()).toEqual([]);
  await expect(put(ben, 60_000)).rejects.toMatchObject(full);
});

describe('a share with a team', () => {
  test('is judged at whatever head of the team its journal has seen', async () => {
    await using bench = await StorageBench.open();
    const one = await TeamBench.open(bench);
    await one.add(one.team, one.ben, 'read');
    await one.add(one.share, one.team);
    await one.append(one.share, { by: one.bens });
    const carlWrites = one.share.make({ by: one.carls });
    await expect(bench.storage.append(one.share.id, [carlWrites])).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await one.add(one.team, one.carl, 'read');
    // The share has seen an older head by now, and ben still writes at it.
    await one.append(one.share, { by: one.bens });
    await one.append(one.share, { by: one.carls, refs: [one.teamSeen] });
    expect(await bench.storage.head(one.share.id)).toMatchObject({ seq: one.share.state.seq });
    expect(await bench.storage.vaultsOf(one.team.id)).toMatchObject([{ vault: one.share.id, role: 'write' }]);
  });

  test('names no team that is not there, and no head that the team never had', async () => {
    await using bench = await StorageBench.open();
    const one = await TeamBench.open(bench);
    await one.add(one.team, one.ben, 'read');
    await one.add(one.share, one.team);
    const unknown = { ...one.teamSeen, head: new Uint8Array(32).fill(1) } as Ref;
    const commit = one.share.make({ by: bench.device, refs: [unknown] });
    await expect(bench.storage.append(one.share.id, [commit])).rejects.toMatchObject({ code: 'INVALID' });
  });

  test('takes no append that asks for many states of a team, each to be judged from its beginning', async () => {
    await using bench = await StorageBench.open();
    const one = await TeamBench.open(bench);
    await one.add(one.team, one.ben, 'read');
    await one.add(one.share, one.team);
    const commits: ReturnType<TestVault['append']>[] = [];
    for (let count = 0; count < 10; count += 1) {
      await one.append(one.team, { by: bench.device, refs: [one.team.nextEpoch()] });
      commits.push(one.share.append({ by: bench.device, refs: [one.teamSeen] }));
    }
    await expect(bench.storage.append(one.share.id, commits)).rejects.toMatchObject({ code: 'LIMIT' });
    for (const part of [commits.slice(0, 5), commits.slice(5)]) await bench.storage.append(one.share.id, part);
    expect(await bench.storage.head(one.share.id)).toMatchObject({ seq: one.share.state.seq });
  });

  test('asks for an old head of a long team without judging it from its beginning', async () => {
    const hook = new FactsHook('commits');
    await using bench = await StorageBench.open({ openFacts: hook.openFacts });
    const one = await TeamBench.open(bench);
    await one.add(one.team, one.ben, 'read');
    await one.add(one.share, one.team);
    const { team, share } = one;
    const turns = (count: number) =>
      Array.from({ length: count }, () => team.append({ by: bench.device, refs: [team.nextEpoch()] }));
    await bench.storage.append(team.id, turns(700));
    const old = one.teamSeen;
    await bench.storage.append(team.id, turns(300));
    await bench.stop();
    await bench.start();
    await one.append(share, { by: bench.device, refs: [old] });
    // Seq 702 follows from what was kept at 512.
    expect(hook.last.slice(1)).toEqual([512, 512]);
    await bench.stop();
    await bench.removeIndex();
    await bench.start();
    await one.append(share, { by: one.bens });
    expect(hook.last.slice(1)).toEqual([512, 512]);
  });

  test('looks for no head that a commit names without being signed, or in its place', async () => {
    const hook = new FactsHook('teamSeq');
    await using bench = await StorageBench.open({ openFacts: hook.openFacts });
    const one = await TeamBench.open(bench);
    const { team, share } = one;
    await one.add(team, one.ben, 'read');
    await one.add(share, team);
    await one.append(team, { by: bench.device, refs: [team.nextEpoch()] });
    const before = hook.calls;
    const good = { by: one.bens, refs: [one.teamSeen] };
    const codeOf = (commit: Parameters<TestVault['make']>[0]) =>
      bench.storage.append(share.id, [share.make(commit)]).then(
        () => 'taken',
        ({ code }: { code: string }) => code,
      );
    const forged = { ...one.bens, sign: one.carls.sign };
    const unknown = { ...one.bens, device: new Uint8Array(16) };
    expect(await codeOf({ ...good, by: forged })).toBe('INTEGRITY');
    expect(await codeOf({ ...good, by: unknown })).toBe('NOT_ALLOWED');
    expect(await codeOf({ ...good, header: { prev: new Uint8Array(32).fill(1) } })).toBe('CONFLICT');
    expect(hook.calls).toBe(before);
    expect(await codeOf(good)).toBe('taken');
    expect(hook.calls).toBeGreaterThan(before);
  });

  test('comes back with a new index, in whatever order its journal and the team’s are met', async () => {
    await using bench = await StorageBench.open();
    const one = await TeamBench.open(bench);
    await one.add(one.team, one.ben, 'read');
    await one.add(one.share, one.team);
    for (let count = 0; count < 3; count += 1) {
      await one.append(one.share, { by: one.bens });
      await one.append(one.team, { by: bench.device, refs: [one.team.nextEpoch()] });
      await one.append(one.share, { by: one.bens, refs: [one.teamSeen] });
    }
    const others = Array.from({ length: 5 }, () => one.newShare());
    for (const other of others) {
      await bench.storage.createVault(other.genesis);
      await one.add(other, one.team);
      await one.append(other, { by: one.bens });
    }
    await bench.stop();
    await bench.removeIndex();
    await bench.start();
    for (const vault of [one.team, one.share, ...others]) {
      expect(await bench.storage.head(vault.id)).toMatchObject({ seq: vault.state.seq, head: vault.state.head });
      expect((await bench.storage.vaultState(vault.id))?.members.size).toBe(2);
    }
    await one.append(one.share, { by: one.bens });
  });
});

test('a copy that was taken while people worked leaves a share on the commit before the team it does not hold', async () => {
  await using bench = await StorageBench.open();
  const one = await TeamBench.open(bench);
  const { ben, bens, share } = one;
  const { path, spare } = bench;
  // The team is Ben's, and lies in his folder.
  const team = new TestVault({ owner: ben, kind: 'team', directory: () => one.directory() });
  one.teams.push(team);
  await bench.storage.createVault(team.genesis);
  await one.add(share, team);
  await one.append(share, { by: bens });
  const sound = share.state;
  await backupAccounts({ path, clock: systemClock });
  const copy = async (name: string) => cp(join(path, name), join(spare, name), { recursive: true });
  await copy(`users/${ben.account.toHex()}`);
  await bench.storage.append(team.id, [team.append({ by: bens, refs: [team.nextEpoch()] })]);
  await one.append(share, { by: bens, refs: [{ kind: 'identity', subject: team.id, head: team.state.head }] });
  for (let count = 0; count < 3; count += 1) await one.append(share, { by: bens });
  await copy(`users/${bench.owner.account.toHex()}`);
  await copy('backups');
  await bench.stop();

  const restored = await restoreStorage({
    path: spare,
    packBytes: 64 * MiB,
    prepare: async () => () => new Uint8Array(10),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
  expect(restored.setAside).toEqual({ vaults: 1, commits: 4 });
  const after = await bench.openAgain(spare);
  expect(await after.head(share.id)).toMatchObject({ seq: sound.seq, head: sound.head });
  // It can be written to, and what was set aside does not come back with a new index, not even beside another commit of its place.
  const next = share.make({ by: bens, header: { seq: sound.seq + 1, prev: sound.head, epoch: sound.epoch } });
  await after.append(share.id, [next]);
  await after[Symbol.asyncDispose]();
  for (const suffix of ['', '-wal', '-shm']) await rm(join(spare, `index.db${suffix}`), { force: true });
  await using rebuilt = await bench.openAgain(spare);
  expect(await rebuilt.head(share.id)).toMatchObject({ seq: next.header.seq, head: next.hash });
});
