import { MiB } from '@coffer/core';
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fillIndex } from '../bench/collection/fill-index.ts';
import { withTemporaryFolder } from './support/temporary-folder.ts';

const chunks = 300_000;

/**
 * Eight MiB are taken; 62 when the garbage is looked up at once rather than in steps. The benchmark measures it for ten million
 * (`npm run bench -- collection --index-only`).
 */
const mostBytes = 32 * MiB;

test(
  'a collection takes no more memory than it may, however many chunks there are',
  () =>
    withTemporaryFolder(async (folder) => {
      const path = join(folder, 'storage');
      await fillIndex(path, chunks);
      const child = fileURLToPath(new URL('./support/collection-memory-child.ts', import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=source', child, path]);
      const done = JSON.parse(stdout) as { readonly chunks: number; readonly moreBytes: number };
      expect(done.chunks).toBe(chunks * 0.4);
      expect(done.moreBytes).toBeLessThan(mostBytes);
    }),
  300_000,
);
