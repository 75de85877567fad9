import { expect, jest, test } from '@jest/globals';
import { isCofferError } from '@coffer/core';
import type { Teams } from '../src/index.ts';
import { codeOf } from './support/code-of.ts';
import { endingAt } from './support/ending-dial.ts';
import { Machines } from './support/machines.ts';
import type { Machine } from './support/machines.ts';

jest.setTimeout(600_000);

/** False when it was ended before it was done. */
async function removeUntil(alice: Machine, writes: number): Promise<boolean> {
  const stop = new AbortController();
  const reason = new Error('the process ended');
  try {
    await alice.run(
      async ({ sharing, teams }) => {
        await removeBob(teams, stop.signal);
        await sharing.workOff(stop.signal);
      },
      endingAt(writes, () => stop.abort(reason)),
    );
    return !stop.signal.aborted;
  } catch (error) {
    if (error === reason || isCofferError(error, 'CANCELLED', 'UNREACHABLE')) return false;
    throw error;
  }
}

test('whenever a departure ends, the next machine of the owner finishes it or nothing has happened', async () => {
  await using machines = await Machines.open();
  const alice = await machines.person('alice');
  const laptop = await machines.machine('alice');
  const [bob, carol] = [await machines.person('bob'), await machines.person('carol')];
  const add = (name: string): Promise<void> =>
    laptop.run(async ({ people, sharing, teams }) => {
      await teams.add(await teams.find('family'), await people.find(name));
      await sharing.workOff();
    });
  await laptop.run(({ teams }) => teams.create('family'));
  await add('carol');
  await alice.write('/plans/plan.txt', 'the plan');
  await alice.share('/plans', 'team:family', 'write');
  const outcomes = new Set<string>();
  for (let writes = 4, done = false; !done; writes += 2) {
    await add('bob');
    await expect(bob.read('/Shared/alice/plans/plan.txt')).resolves.toContain('plan');
    done = await removeUntil(alice, writes);
    const [before = ''] = await alice.shares();
    await laptop.run(({ sharing }) => sharing.workOff());
    await expect(laptop.shares()).resolves.toEqual(['/plans team:family write active']);
    const isIn = await alice.run(async ({ teams }) => (await teams.find('family')).people.length === 3);
    outcomes.add(isIn ? 'nothing' : before.endsWith('pending') ? 'finished by the next' : 'done');
    await laptop.write('/plans/plan.txt', `plan ${writes}`);
    await expect(carol.read('/Shared/alice/plans/plan.txt')).resolves.toBe(`plan ${writes}`);
    expect(await codeOf(bob.read('/Shared/alice/plans/plan.txt'))).toBe(isIn ? undefined : 'NOT_FOUND');
    if (isIn) await laptop.run(({ teams }) => removeBob(teams));
    expect(writes).toBeLessThan(200);
  }
  expect([...outcomes].toSorted()).toEqual(['done', 'finished by the next', 'nothing']);
});

async function removeBob(teams: Teams, signal?: AbortSignal): Promise<void> {
  const team = await teams.find('family', signal);
  const bob = (await teams.members(team, signal)).find(({ person }) => person.username === 'bob');
  if (bob === undefined) throw new Error('he is in the team');
  await teams.remove(team, bob.person.account, signal);
}
