import type { Downloader } from '@coffer/client';
import { CofferError } from '@coffer/core';
import { expect, test } from '@jest/globals';
import { downloadEntry } from '../src/download-entry.ts';

const entry = { entry: new Uint8Array(16), seq: 1, content: [] };
const missing = new CofferError('NOT_FOUND', 'there is nothing of this name any more');
const expired = new CofferError('EXPIRED', 'the version has expired');
const vault = { history: { explain: () => Promise.resolve(expired) } };
const place = (): undefined => undefined;

test('what the server does not have is explained by the history of the vault', async () => {
  const downloader = { layDown: () => Promise.reject(missing) };
  const target = { sink: () => undefined, place };
  await expect(downloadEntry({ vault, downloader, entry, target })).rejects.toBe(expired);
});

test('a local folder that vanishes under the file accuses no server', async () => {
  const downloader: Pick<Downloader, 'layDown'> = {
    layDown: async (_content, { sink }) => {
      await sink(0, Uint8Array.of(1));
      return undefined;
    },
  };
  const sink = (): void => {
    throw missing;
  };
  await expect(downloadEntry({ vault, downloader, entry, target: { sink, place } })).rejects.toBe(missing);
});
