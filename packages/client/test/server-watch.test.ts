import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Connections } from '../src/connection/connections.ts';
import { AuditMemory } from '../src/profile/audit-memory.ts';
import { ServerWatch, type AuditReport } from '../src/server-watch.ts';

const report = (category: AuditReport['category'], lastSeq: number): AuditReport => ({
  category,
  lines: lastSeq,
  firstSeq: 1,
  lastSeq,
  lastHash: new Uint8Array(32).fill(lastSeq),
  problem: null,
  known: 'same',
});

test('a part of the log that this device remembers and the server leaves out is missing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'coffer-audit-'));
  try {
    let categories: AuditReport[] = [];
    const request = async () => ({ response: { categories } });
    const run = async (_kind: string, work: (connection: unknown) => unknown): Promise<unknown> => work({ request });
    const path = join(folder, 'audit');
    const verify = (accept = false) =>
      new ServerWatch({ run } as unknown as Connections, () => AuditMemory.open(path)).verifyAudit({ accept });
    categories = [report('auth', 3), report('admin', 5), report('share', 0)];
    expect((await verify()).map(({ problem }) => problem)).toEqual([null, null, null]);

    categories = [report('auth', 3)];
    const silent = { category: 'admin', lines: 0, problem: { kind: 'truncated' }, known: 'other' };
    for (let times = 0; times < 2; times += 1)
      expect(await verify()).toMatchObject([{ category: 'auth', problem: null }, silent]);

    // Once an administrator has taken it as it is, it is not told again.
    await verify(true);
    expect(await verify()).toHaveLength(1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.each(['sessions', 'alerts', 'shares'] as const)(
  '%s of a server that never ends them are not believed',
  async (list) => {
    let id = 10_000_000;
    const page = async () => ({
      response: { [list]: Array.from({ length: 500 }, () => ({ id: (id -= 1) })), more: true },
    });
    const run = async (_kind: string, work: (connection: unknown) => unknown): Promise<unknown> =>
      work({ request: page });
    const watch = new ServerWatch({ run } as unknown as Connections, () => {
      throw new Error('the log is not read');
    });
    const asked = list === 'shares' ? watch.shares('alice') : watch[list]();
    await expect(asked).rejects.toMatchObject({ code: 'INTEGRITY' });
  },
);
