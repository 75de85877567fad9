import type { Downloader } from '@coffer/client';
import { CofferError } from '@coffer/core';
import { expect, test } from '@jest/globals';
import { downloadEntry } from '../src/download-entry.ts';

const entry = { entry: new Uint8Array(16), seq: 1, content: [] };
const missing = new CofferError('NOT_FOUND', 'there is nothing of this name any more');
const expired = new CofferError('EXPIRED', 'the version has expired');
const vault = { history: { explain: () => Promise.resolve(expired) } };
const nothing = (): void => undefined;

test('what the server does not have is explained by the history of the vault', async () => {
  const downloader = { download: () => Promise.reject(missing) };
  await expect(downloadEntry({ vault, downloader, entry, sink: nothing })).rejects.toBe(expired);
});

test('a local folder that vanishes under the file accuses no server', async () => {
  const downloader: Pick<Downloader, 'download'> = {
    download: async (_content, sink) => {
      await sink(0, Uint8Array.of(1));
    },
  };
  const sink = (): void => {
    throw missing;
  };
  await expect(downloadEntry({ vault, downloader, entry, sink })).rejects.toBe(missing);
});
