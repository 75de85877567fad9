import { expect, jest, test } from '@jest/globals';
import { isCofferError } from '@coffer/core';
import { endingAt } from './support/ending-dial.ts';
import { Machines } from './support/machines.ts';
import type { Machine } from './support/machines.ts';

jest.setTimeout(600_000);

/** False when it was ended before it was done. */
async function shareUntil(alice: Machine, { name, writes }: { name: string; writes: number }): Promise<boolean> {
  const stop = new AbortController();
  const reason = new Error('the process ended');
  try {
    await alice.run(
      async (account) => {
        const { vault, path } = await account.places.resolve(`/${name}`, { follow: false }, stop.signal);
        const entry = vault.tree.lookup(path);
        if (entry === undefined) throw new Error('it is there');
        const person = await account.people.find('bob', stop.signal);
        await account.sharing.share({ entry, person, role: 'read' }, stop.signal);
      },
      endingAt(writes, () => stop.abort(reason)),
    );
    return !stop.signal.aborted;
  } catch (error) {
    if (error === reason || isCofferError(error, 'CANCELLED', 'UNREACHABLE')) return false;
    throw error;
  }
}

test('whenever sharing ends, the next start finishes it or nothing has happened; no file is lost', async () => {
  await using machines = await Machines.open();
  const alice = await machines.person('alice');
  const bob = await machines.person('bob');
  const outcomes = new Set<string>();
  for (let writes = 4, done = false; !done; writes += 2) {
    const name = `folder-${writes}`;
    await alice.write(`/${name}/deep/plan.txt`, 'the plan');
    done = await shareUntil(alice, { name, writes });
    const laptopSees = await alice.run(async (account) => {
      await account.sharing.finishPending();
      const { vault, path } = await account.places.resolve(`/${name}`, { follow: false });
      return vault.tree.lookup(path)?.kind;
    });
    outcomes.add(laptopSees ?? 'gone');
    await expect(alice.read(`/${name}/deep/plan.txt`)).resolves.toBe('the plan');
    if (laptopSees === 'directory') await alice.share(`/${name}`, 'bob');
    await expect(bob.read(`/Shared/alice/${name}/deep/plan.txt`)).resolves.toBe('the plan');
    expect(writes).toBeLessThan(200);
  }
  expect([...outcomes].toSorted()).toEqual(['directory', 'mount']);
});
