import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { idKey } from '@coffer/core';
import { isEndOfShare, revokeOwn } from '../src/index.ts';
import { codeOf } from './support/code-of.ts';
import { Machines } from './support/machines.ts';
import type { Machine } from './support/machines.ts';
import { password } from './support/real-server.ts';

// Logins stretch passwords, and the machine may be busy.
jest.setTimeout(240_000);

let machines: Machines;
let alice: Machine;
let bob: Machine;
let names = 0;

beforeAll(async () => {
  machines = await Machines.open();
  alice = await machines.person('alice');
  bob = await machines.person('bob');
  await machines.person('carol');
});
afterAll(async () => await machines?.[Symbol.asyncDispose]());

interface Shared {
  /** As its members see it. */
  readonly path: string;
  readonly own: string;
  readonly id: string;
}

async function share(role: 'read' | 'write', others: readonly string[] = []): Promise<Shared> {
  const name = `folder-${(names += 1)}`;
  await alice.write(`/${name}/plan.txt`, 'the plan');
  await alice.share(`/${name}`, 'bob', role);
  for (const other of others) await alice.share(`/${name}`, other, 'write');
  const path = `/Shared/alice/${name}`;
  const id = await bob.run(async ({ places }) => idKey((await places.resolve(path)).vault.id));
  return { path, own: `/${name}`, id };
}

const outcome = {
  read: { written: 'NOT_ALLOWED', isThere: false },
  write: { written: undefined, isThere: true },
};

test.each(['read', 'write'] as const)(
  'a worker serves what is shared with its account, also after new keys: %s',
  async (role) => {
    const { path, own, id } = await share(role, ['carol']);
    const worker = await machines.machine('bob', 'file', [id.slice(0, 12)]);
    await expect(worker.read(`${path}/plan.txt`)).resolves.toBe('the plan');
    const written = await codeOf(worker.write(`${path}/night.txt`, 'by the worker'));
    const isThere = (await alice.list(own)).includes(`${own}/night.txt`);
    expect({ written, isThere }).toEqual(outcome[role]);
    // Somebody else goes, so the share gets a new key: it is sealed to the worker too.
    await alice.unshare(own, 'carol');
    await alice.write(`${own}/plan.txt`, 'a better plan');
    await expect(worker.read(`${path}/plan.txt`)).resolves.toBe('a better plan');
    await expect(bob.read(`${path}/plan.txt`)).resolves.toBe('a better plan');
    await worker.run(async (account) => {
      const { vault } = await account.places.resolve(path);
      expect(vault.role).toBe(role);
      await alice.unshare(own, 'bob');
      const refused: unknown = await vault.pull().catch((error: unknown) => error);
      expect(isEndOfShare(refused)).toBe(true);
    });
    expect(await codeOf(worker.read(`${path}/plan.txt`))).toBe('NOT_FOUND');
  },
);

test('it serves nothing else, and a login that asks for what is not shared leaves nothing behind', async () => {
  const [one, other] = [await share('write'), await share('write')];
  const worker = await machines.machine('bob', 'file', [one.id]);
  await expect(worker.shares()).resolves.toEqual([`${one.path} write`]);
  expect(await codeOf(worker.read(`${other.path}/plan.txt`))).toBe('NOT_FOUND');
  const before = await devices();
  expect(await codeOf(machines.machine('bob', 'file', ['00000000']))).toBe('NOT_FOUND');
  expect(await devices()).toBe(before);
});

test('a worker that is revoked is cut off from what is shared, and the others go on', async () => {
  const { path, own, id } = await share('write');
  const worker = await machines.machine('bob', 'file', [id]);
  await worker.write(`${path}/night.txt`, 'by the worker');
  const { device } = worker.profile.requireRecord();
  const epoch = await epochOf(own);
  await revokeOwn({ profile: bob.profile, device, password: () => Promise.resolve(password) });
  expect(await codeOf(worker.read(`${path}/plan.txt`))).toMatch(/REFUSED|NOT_LOGGED_IN/);
  await alice.write(`${own}/plan.txt`, 'a better plan');
  await expect(bob.read(`${path}/plan.txt`)).resolves.toBe('a better plan');
  await expect(bob.read(`${path}/night.txt`)).resolves.toBe('by the worker');
  // Its owner's next look gives what is shared a new key, once.
  for (let times = 0; times < 2; times += 1) await alice.run(({ sharing }) => sharing.workOff());
  expect(await epochOf(own)).toBe(epoch + 1);
  await alice.write(`${own}/plan.txt`, 'the last plan');
  await expect(bob.read(`${path}/plan.txt`)).resolves.toBe('the last plan');
});

async function epochOf(own: string): Promise<number> {
  return await alice.run(async ({ places }) => {
    const { vault } = await places.resolve(`${own}/plan.txt`);
    return (vault as never as { state: { epoch: number } }).state.epoch;
  });
}

async function devices(): Promise<number> {
  return await bob.run(async (account) => (await account.refreshDevices()).filter(({ revoked }) => !revoked).length);
}
