import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { isCofferError, MiB, systemRandom } from '@coffer/core';
import { TestVault, type TestAccount, type TestDevice } from '@coffer/journal/testing';
import { frames, open, TestDaemon, TestSite, untilTrue } from './support/test-daemon.ts';
import { tempFolder } from './support/temp-folder.ts';

// Whole daemons with real worker threads; a busy machine takes its time.
jest.setTimeout(60_000);

let site: TestSite;
let server: TestDaemon;
let ann: { account: TestAccount; device: TestDevice };
let bob: { account: TestAccount; device: TestDevice };

beforeAll(async () => {
  site = await TestSite.make(await tempFolder());
  ann = await site.addAccount('ann', 1);
  bob = await site.addAccount('bob', 2);
  server = await TestDaemon.open(site);
});

afterAll(() => server[Symbol.asyncDispose]());

test('commits that never end do not fill the memory: one account holds 32 MiB of them, others go on', async () => {
  const vault = new TestVault({ owner: ann.account });
  const large = vault.make({ by: ann.device, body: systemRandom.bytes(MiB) }).bytes;
  const codes: string[] = [];
  const never = Promise.withResolvers<void>();
  const taken = { frames: 0 };
  {
    await using greeted = await open(server.port, ann.device);
    const { connection } = greeted;
    await connection.request('vault.create', {}, { data: frames(vault.genesis.bytes) });
    async function* hoard(): AsyncGenerator<Uint8Array> {
      for (let count = 0; count < 10; count += 1) {
        taken.frames += 1;
        yield large;
      }
      await never.promise;
    }
    for (let stream = 0; stream < 8; stream += 1) {
      void connection
        .request('vault.append', { vault: vault.id }, { data: hoard() })
        .catch((error: unknown) => codes.push(isCofferError(error) ? error.code : String(error)));
    }
    await untilTrue(() => codes.length >= 4);
    expect(codes).toEqual(['BUSY', 'BUSY', 'BUSY', 'BUSY', 'BUSY'].slice(0, codes.length));
    const other = new TestVault({ owner: bob.account });
    await using friend = await open(server.port, bob.device);
    await friend.connection.request('vault.create', {}, { data: frames(other.genesis.bytes) });
  }
  never.resolve();
  // All is given back with the connection.
  await using again = await open(server.port, ann.device);
  const commit = vault.append({ by: ann.device, body: systemRandom.bytes(MiB) });
  const { response } = await again.connection.request(
    'vault.append',
    { vault: vault.id },
    { data: frames(commit.bytes) },
  );
  expect(response.seq).toBe(2);
});
