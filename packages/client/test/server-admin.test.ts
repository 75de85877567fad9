import { describe, expect, test } from '@jest/globals';
import type { Connections } from '../src/connection/connections.ts';
import { ServerAdmin } from '../src/server-admin.ts';

/** A server that lists accounts as long as `more` says. */
function listing(usersOf: (skip: number) => number, more: (skip: number) => boolean): ServerAdmin {
  const user = { username: 'bob', role: 'user', state: 'active', quotaBytes: null, largestFileBytes: null };
  const request = async (_operation: string, { skip }: { readonly skip: number }) => ({
    response: {
      users: Array.from({ length: usersOf(skip) }, () => ({ ...user, storedBytes: 0, contact: '', createdAtMs: 0 })),
      more: more(skip),
    },
  });
  const run = async (_kind: string, work: (connection: unknown) => unknown): Promise<unknown> => work({ request });
  return new ServerAdmin({ run } as unknown as Connections, neverRead);
}

describe('the list of accounts', () => {
  test('comes in pages', async () => {
    const admin = listing(
      (skip) => (skip < 128 ? 64 : 2),
      (skip) => skip < 128,
    );
    expect(await admin.users()).toHaveLength(130);
  });

  test('of a server that lies has an end', async () => {
    const endless = listing(
      () => 64,
      () => true,
    );
    await expect(endless.users()).rejects.toMatchObject({ code: 'INTEGRITY' });
    const empty = listing(
      () => 0,
      () => true,
    );
    expect(await empty.users()).toEqual([]);
  });
});

function neverRead(): never {
  throw new TypeError('accounts are no lines of a log');
}
