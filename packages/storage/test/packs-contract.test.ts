import { systemClock, systemRandom } from '@coffer/core';
import { describe, expect, test } from '@jest/globals';
import type { Disk } from '../src/packs/disk.ts';
import { LocalPacks } from '../src/packs/local-packs.ts';
import { nodeDisk } from '../src/packs/node-disk.ts';
import type { PacksSubject } from '../src/testing/index.ts';
import { FaultyDisk, MemoryDisk, packsContract } from '../src/testing/index.ts';
import { withTemporaryFolder } from './support/temporary-folder.ts';

function subject(path: string, disk: Disk): PacksSubject {
  const open = (): LocalPacks =>
    new LocalPacks({ path, packBytes: 64 * 1024 }, { disk, clock: systemClock, random: systemRandom });
  const packs = open();
  return {
    packs,
    reopen: async () => {
      await packs[Symbol.asyncDispose]();
      return open();
    },
  };
}

describe('packs on a filesystem', () => {
  test.each(packsContract)('$name', async ({ run }) => {
    await expect(withTemporaryFolder((path) => run(async () => subject(path, nodeDisk)))).resolves.toBe(undefined);
  });
});

describe('packs in memory', () => {
  test.each(packsContract)('$name', async ({ run }) => {
    await expect(run(async () => subject('/storage', new MemoryDisk()))).resolves.toBe(undefined);
  });
});

describe('packs on a disk whose writes are all short', () => {
  test.each(packsContract)('$name', async ({ run }) => {
    const fault = { calls: ['write'], at: 1, kind: 'short', times: Number.MAX_SAFE_INTEGER } as const;
    await expect(run(async () => subject('/storage', new FaultyDisk(new MemoryDisk(), fault)))).resolves.toBe(
      undefined,
    );
  });
});
