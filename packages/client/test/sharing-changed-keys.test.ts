import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { revokeOwn } from '../src/index.ts';
import type { JournalVault } from '../src/vaults/journal-vault.ts';
import { Machines } from './support/machines.ts';
import type { Machine } from './support/machines.ts';
import { password } from './support/real-server.ts';

// Logins stretch passwords, and the machine may be busy.
jest.setTimeout(240_000);

let machines: Machines;
let alice: Machine;

beforeAll(async () => {
  machines = await Machines.open();
  alice = await machines.person('alice');
});
afterAll(async () => await machines?.[Symbol.asyncDispose]());

/** A folder of alice's, shared with a person one of whose machines was stolen and revoked since. */
async function sharedBeforeTheft(username: string): Promise<{ readonly owner: Machine; readonly path: string }> {
  const path = `/for-${username}`;
  await alice.write(`${path}/plan.txt`, 'the plan');
  const owner = await machines.person(username);
  const stolen = await machines.machine(username);
  await alice.share(path, username);
  await stolen.read(`/Shared/alice${path}/plan.txt`);
  const { device } = stolen.profile.requireRecord();
  await revokeOwn({ profile: owner.profile, device, password: () => Promise.resolve(password) });
  return { owner, path };
}

function epochOf(path: string): Promise<number | undefined> {
  return alice.run(async ({ places }) => ((await places.resolve(path)).vault as JournalVault).state?.epoch);
}

const verify = (username: string): Promise<void> =>
  alice.run(async ({ people }) => people.verify(await people.find(username)));

test('whose keys changed gets the vault again with a key that the old ones do not open', async () => {
  const { owner, path } = await sharedBeforeTheft('bob');
  expect(await epochOf(path)).toBe(0);
  await verify('bob');
  await alice.share(path, 'bob');
  expect(await epochOf(path)).toBe(1);
  await alice.write(`${path}/plan.txt`, 'after the theft');
  await expect(owner.read(`/Shared/alice${path}/plan.txt`)).resolves.toBe('after the theft');
});

test('the owner ends the key that was sealed to keys that are none any more, once', async () => {
  const { owner, path } = await sharedBeforeTheft('carol');
  await alice.run(({ sharing }) => sharing.workOff());
  expect(await epochOf(path)).toBe(1);
  await alice.run(({ sharing }) => sharing.workOff());
  expect(await epochOf(path)).toBe(1);
  await verify('carol');
  await alice.share(path, 'carol');
  await alice.write(`${path}/plan.txt`, 'after the theft');
  await expect(owner.read(`/Shared/alice${path}/plan.txt`)).resolves.toBe('after the theft');
  const settled = await epochOf(path);
  await alice.run(({ sharing }) => sharing.workOff());
  expect(await epochOf(path)).toBe(settled);
});
