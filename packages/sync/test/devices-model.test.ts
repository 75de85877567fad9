import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { SyncReport } from '../src/index.ts';
import { FakeVault } from './fake-vault.ts';
import { describeTree, TemporaryFolder } from './folder-tools.ts';
import { RestlessDevice, WrittenContents } from './restless-device.ts';

/** Few names and little depth, so that everything collides with everything. */
const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));

const step = fc.record({
  device: fc.nat(3),
  /** Changes are often; two syncs at once are interleaved as their transfers come. */
  what: fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constantFrom('write', 'write', 'remove', 'rename', 'rename', 'directory', 'replace', 'mode'),
        path,
        to: path,
      }),
    },
    { weight: 2, arbitrary: fc.constant('sync') },
    { weight: 1, arbitrary: fc.constant('sync at once') },
  ),
  /** Somebody works on while a sync runs. */
  meanwhile: fc.option(fc.record({ kind: fc.constantFrom('write', 'remove', 'rename'), path, to: path }), {
    freq: 5,
    nil: undefined,
  }),
  after: fc.nat(5),
});
type Step = typeof step extends fc.Arbitrary<infer Type> ? Type : never;

/** COFFER_SCHEDULES sets another number. */
const schedules = Number(process.env['COFFER_SCHEDULES'] ?? 60);

async function perform(
  devices: readonly RestlessDevice[],
  { device: number, what, meanwhile, after }: Step,
): Promise<void> {
  const device = devices[number % devices.length];
  if (device === undefined) return;
  if (typeof what !== 'string') return device.change(what);
  const others = what === 'sync' ? [device] : devices;
  let transfers = 0;
  const interrupt = (): void => {
    transfers += 1;
    if (meanwhile !== undefined && transfers === after) device.change(meanwhile);
  };
  for (const one of others) one.vault.faults.beforeTransfer = interrupt;
  await Promise.all(others.map((one) => one.sync()));
  for (const one of others) delete one.vault.faults.beforeTransfer;
}

/** In turns until nobody finds anything to do. */
async function settle(devices: readonly RestlessDevice[]): Promise<void> {
  for (let round = 0; round < 8; round += 1) {
    const reports: SyncReport[] = [];
    for (const device of devices) reports.push(await device.sync());
    expect(reports.flatMap(({ errors }) => errors)).toEqual([]);
    const plans: string[] = [];
    for (const device of devices) plans.push(...(await device.plan()));
    if (plans.length === 0) return;
    if (round === 7) throw new Error(`still to do:\n${plans.join('\n')}`);
  }
}

test('devices that edit, rename, move, remove and sync as it comes end with the same, and with everything', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 4 }),
      fc.array(step, { minLength: 5, maxLength: 40 }),
      async (count, steps) => {
        using temporary = new TemporaryFolder();
        const shared = new FakeVault();
        const contents = new WrittenContents();
        const devices = Array.from(
          { length: count },
          (_, index) => new RestlessDevice(shared, { number: index + 1, temporary, contents }),
        );
        for (const one of steps) await perform(devices, one);
        await settle(devices);
        const trees = devices.map(({ folder }) => describeTree(folder));
        for (const tree of trees) expect(tree).toEqual(trees[0]);
        const found = Object.values(trees[0] ?? {}).map(({ content }) => content);
        expect([...contents.alive].filter((text) => !found.includes(text))).toEqual([]);
      },
    ),
    { numRuns: schedules, endOnFailure: schedules > 60, ...replay() },
  );
}, 3_600_000);

/** COFFER_SEED and COFFER_PATH make a failure again, as fast-check printed it. */
function replay(): { readonly seed?: number; readonly path?: string } {
  const { COFFER_SEED: seed, COFFER_PATH: at } = process.env;
  return { ...(seed !== undefined && { seed: Number(seed) }), ...(at !== undefined && { path: at }) };
}
