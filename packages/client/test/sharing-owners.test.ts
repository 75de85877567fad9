import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { equalBytes } from '@coffer/core';
import { codeOf } from './support/code-of.ts';
import { Machines } from './support/machines.ts';
import type { Machine } from './support/machines.ts';

jest.setTimeout(240_000);

let machines: Machines;
let alice: Machine;
let bob: Machine;
let mallory: Machine;
let names = 0;

beforeAll(async () => {
  machines = await Machines.open();
  alice = await machines.person('alice');
  bob = await machines.person('bob');
  mallory = await machines.person('mallory');
});
afterEach(() => {
  machines.lies.handlers = {};
});
afterAll(async () => await machines?.[Symbol.asyncDispose]());

/** What mallory shares is said to be alice's. */
function sayItIsAlices(): void {
  machines.lies.handlers['vault.list'] = (honest) => async (request, call) => {
    const { vaults } = await honest(request, call);
    const { account: owner } = alice;
    return { vaults: vaults.map((one) => (equalBytes(one.owner, mallory.account) ? { ...one, owner } : one)) };
  };
}

async function baited(): Promise<string> {
  const name = `bait-${(names += 1)}`;
  await mallory.write(`/${name}/plan.txt`, 'bait');
  await mallory.share(`/${name}`, 'bob', 'write');
  return name;
}

test('a share that this device has folded is not written to as that of somebody else', async () => {
  const name = await baited();
  await bob.read(`/Shared/mallory/${name}/plan.txt`);
  sayItIsAlices();
  expect(await codeOf(bob.write(`/Shared/alice/${name}/plan.txt`, 'for alice only'))).toBe('INTEGRITY');
  machines.lies.handlers = {};
  await expect(bob.read(`/Shared/mallory/${name}/plan.txt`)).resolves.toBe('bait');
});

test('nor is one that this very process has open', async () => {
  const name = await baited();
  await bob.run(async ({ shared, places }) => {
    expect(await shared.find('mallory', name)).toBeDefined();
    sayItIsAlices();
    expect(await codeOf(places.resolve(`/Shared/alice/${name}`, { write: true }))).toBe('INTEGRITY');
  });
});
