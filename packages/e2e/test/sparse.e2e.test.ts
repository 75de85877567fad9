import { expect, test } from '@jest/globals';
import { syncSparseFile } from '../faults/sparse/sparse-file.ts';

const MiB = 1024 * 1024;

/** 24 GiB: `npm run faults -- sparse`. */
test('the holes of a file are neither stored nor laid down', async () => {
  const { storedBytes, restoredDiskBytes } = await syncSparseFile({ seed: 1, bytes: 512 * MiB });
  expect(storedBytes).toBeLessThan(2 * MiB);
  expect(restoredDiskBytes).toBeLessThan(4 * MiB);
}, 240_000);
