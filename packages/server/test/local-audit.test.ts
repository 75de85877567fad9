import { describe, expect, jest, test } from '@jest/globals';
import { randomId, silentLogger, systemClock, systemRandom } from '@coffer/core';
import { Accounts, Storage } from '@coffer/storage';
import { auditedHere, type AuditCategory, type AuditEvent } from '@coffer/server';
import { LocalAudit } from '../src/log/local-audit.ts';
import { tempFolder } from './support/temp-folder.ts';
import { untilTrue } from './support/test-daemon.ts';

jest.setTimeout(60_000);

const deps = { clock: systemClock, random: systemRandom };

async function storage(): Promise<string> {
  const path = await tempFolder();
  await Storage.init({ path, ...deps });
  return path;
}

function here(path: string, unwritten: string[] = []) {
  return { path, ...deps, onUnwritten: ({ code }: { readonly code: string }) => void unwritten.push(code) };
}

describe('what an administrator does on the server itself', () => {
  test('is left beside the accounts, and taken into the log once, whenever a daemon serves', async () => {
    const path = await storage();
    const subject = randomId<'account'>(systemRandom);
    const about = { category: 'admin', event: 'admin.userQuota' } as const;
    await auditedHere(here(path), about, async () => ({ result: 1, subject, note: 'none', counts: { files: 2 } }));
    const refused = auditedHere(here(path), about, () => Promise.reject(new TypeError('a bug')));
    await expect(refused).rejects.toThrow('a bug');
    const lines: [AuditCategory, AuditEvent][] = [];
    const audit = { record: (...line: [AuditCategory, AuditEvent]): void => void lines.push(line) };
    await using accounts = await Accounts.open(path, deps);
    await accounts.setSetting('audit.heads', Uint8Array.of(1));
    await using _taking = LocalAudit.begin({ accounts, audit, clock: systemClock, logger: silentLogger });
    await untilTrue(async () => (await accounts.settingsUnder('audit.local.', 1)).length === 0);
    const said = lines.map(([category, { phase, status, address }]) => `${category} ${phase} ${status} ${address}`);
    expect(said).toEqual([
      'admin start OK local',
      'admin end OK local',
      'admin start OK local',
      'admin end INTERNAL local',
    ]);
    expect(lines[1]?.[1]).toMatchObject({ subject, note: 'none', counts: { files: 2, atMs: expect.any(Number) } });
    expect(await accounts.setting('audit.heads')).toEqual(Uint8Array.of(1));
  });

  test('is done although it cannot be left, and that is told; what nobody can read is a line too', async () => {
    const unwritten: string[] = [];
    const about = { category: 'admin', event: 'admin.restore' } as const;
    expect(await auditedHere(here(await tempFolder(), unwritten), about, async () => ({ result: 5 }))).toBe(5);
    expect(unwritten).toEqual(['NOT_FOUND']);
    await using accounts = await Accounts.open(await storage(), deps);
    await accounts.setSetting('audit.local.0', Uint8Array.of(0xff, 0));
    const events: string[] = [];
    const audit = { record: (_category: AuditCategory, { event }: AuditEvent): void => void events.push(event) };
    await using _taking = LocalAudit.begin({ accounts, audit, clock: systemClock, logger: silentLogger });
    await untilTrue(async () => (await accounts.settingsUnder('audit.local.', 1)).length === 0);
    expect(events).toEqual(['unknown']);
  });
});
