import { expect, test } from '@jest/globals';
import { PackAppender } from '../src/packs/pack-appender.ts';
import { MemoryDisk } from '../src/testing/index.ts';

/** Turns of the microtask queue between two appends: more than a write takes. */
const turns = 60;

function makeAppender(disk: MemoryDisk): PackAppender {
  const ignore = (): void => undefined;
  return new PackAppender({
    disk,
    path: '/packs/one',
    folder: '/packs',
    prepare: async () => undefined,
    onHeld: ignore,
    onDropped: ignore,
  });
}

test.each([false, true])(
  'a record appended at any moment is written, also after a full disk: %s',
  async (full) => {
    for (let turn = 0; turn < turns; turn += 1) {
      const disk = new MemoryDisk();
      const appender = makeAppender(disk);
      if (full) disk.totalBytes = 50;
      appender.append([new Uint8Array(100)], 100);
      for (let count = 0; count < turn; count += 1) await Promise.resolve();
      disk.totalBytes = Number.MAX_SAFE_INTEGER;
      appender.append([new Uint8Array(100).fill(1)], 100);
      await appender.flush();
      // Everything, or after the full disk only what came later, or nothing.
      expect([0, 12, 112, 212]).toContain(disk.content('/packs/one').byteLength);
      expect(appender.end).toBe(Math.max(12, disk.content('/packs/one').byteLength));
      await appender.close();
    }
  },
  10_000,
);
