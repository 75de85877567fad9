import { systemClock, systemRandom } from '@coffer/core';
import { describe, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disk } from '../src/packs/disk.ts';
import { LocalPacks } from '../src/packs/local-packs.ts';
import { nodeDisk } from '../src/packs/node-disk.ts';
import type { PacksSubject } from '../src/testing/index.ts';
import { FaultyDisk, MemoryDisk, packsContract } from '../src/testing/index.ts';

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
  for (const { name, run } of packsContract) {
    test(name, async () => {
      const path = await mkdtemp(join(tmpdir(), 'coffer-packs-'));
      await run(async () => subject(path, nodeDisk)).finally(() => rm(path, { recursive: true }));
    });
  }
});

describe('packs in memory', () => {
  for (const { name, run } of packsContract) test(name, () => run(async () => subject('/storage', new MemoryDisk())));
});

describe('packs on a disk whose writes are all short', () => {
  for (const { name, run } of packsContract) {
    test(name, () => {
      const disk = new FaultyDisk(new MemoryDisk(), {
        calls: ['write'],
        at: 1,
        kind: 'short',
        times: Number.MAX_SAFE_INTEGER,
      });
      return run(async () => subject('/storage', disk));
    });
  }
});
