import { expect, test } from '@jest/globals';
import { LostChunks } from '../src/vaults/lost-chunks.ts';
import type { LostChunksDeps } from '../src/vaults/lost-chunks.ts';

test('a server that names lost chunks without end is not listened to for ever', async () => {
  const deps = { vault: new Uint8Array(32), account: new Uint8Array(16) } as unknown as LostChunksDeps;
  let answers = 0;
  const others = Array.from({ length: 1024 }, () => ({ uploader: new Uint8Array(16).fill(1), id: new Uint8Array(32) }));
  const lying = () => {
    answers += 1;
    if (answers > 1000) throw new Error('asked for ever');
    return Promise.resolve({ response: { chunks: others, more: true } });
  };
  expect(await LostChunks.ask(deps, lying as unknown as Parameters<typeof LostChunks.ask>[1])).toBeUndefined();
  expect(answers).toBeLessThan(250);
});
