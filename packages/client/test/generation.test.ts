import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { MiB } from '@coffer/core';
import { admitGeneration } from '../src/connection/generation.ts';
import type { AdmitGeneration } from '../src/connection/generation.ts';
import { Pins } from '../src/profile/pins.ts';

test('a statement that never ends is given up, and vouches for nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'coffer-generation-'));
  try {
    const pins = Pins.open(join(folder, 'pins'));
    pins.seeGeneration(1);
    let sent = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (; sent < 64 * MiB; sent += MiB) yield await Promise.resolve(new Uint8Array(MiB));
    }
    const connection = { request: () => Promise.resolve({ response: {}, data: endless() }) };
    const lying = {
      greeted: { connection, hello: { generation: 2 } },
      pins,
      record: { authority: new Uint8Array(32) },
    };
    const admitted = admitGeneration(lying as unknown as AdmitGeneration);
    await expect(admitted).rejects.toMatchObject({ code: 'ROLLBACK' });
    expect(sent).toBeLessThan(8 * MiB);
    expect(pins.generation).toBe(1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
