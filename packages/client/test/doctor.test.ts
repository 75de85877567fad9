import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { CofferError, dayMs, systemClock, systemRandom } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { examine, Profile } from '../src/index.ts';
import type { Dial, Finding } from '../src/index.ts';
import { programFinding, spaceFinding, watchingFinding } from '../src/doctor/local-findings.ts';
import { noKeyring } from './support/keyring.ts';
import { MemoryServer } from './support/memory-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'coffer-doctor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let names = 0;
function loggedIn(server: Uint8Array): Profile {
  names += 1;
  const deps = { clock: systemClock, random: systemRandom, keyring: noKeyring };
  const profile = Profile.open({ home: folder, name: `p${names}` }, deps);
  const id = systemRandom.bytes(16);
  const who = { username: 'ada', role: 'user', account: id, device: id, deviceName: 'laptop' } as const;
  const pin = systemRandom.bytes(32);
  profile.save({ host: 'vault.example', port: 7443, server, pin, ...who, keystore: 'file', home: pin });
  writeFileSync(join(profile.path, 'keystore'), 'sealed', { mode: 0o600 });
  return profile;
}

/** What is found, by its check: state, code and text. */
async function found(
  openProfile: () => Profile,
  { dial, clock = systemClock }: { dial: Dial; clock?: Clock },
): Promise<Record<string, string>> {
  const options = { openProfile, home: folder, version: '0.1.0', clock };
  const findings = await Array.fromAsync(examine(options, new AbortController().signal, dial));
  return Object.fromEntries(findings.map((one) => [one.check, summary(one)]));
}

function summary({ state, code, text }: Finding): string {
  return `${state} ${code ?? ''} ${text}`;
}

const certificateEndsMs = systemClock.nowMs() + 90 * dayMs + 1000;
const answering =
  (server: MemoryServer, endsMs = certificateEndsMs): Dial =>
  async (...about) => ({ ...(await server.dial(...about)), certificateEndsMs: endsMs });

test('a device that works is told so, part by part, without a password', async () => {
  const server = new MemoryServer();
  const profile = loggedIn(server.world.server);
  expect(await found(() => profile, { dial: answering(server) })).toMatchObject({
    program: expect.stringMatching(/^good .*coffer 0\.1\.0, Node\.js/),
    profile: expect.stringMatching(/^good .*ada on laptop/),
    keys: expect.stringMatching(/^good .*without a password/),
    server: expect.stringMatching(/^good .*vault\.example:7443 answers/),
    certificate: expect.stringMatching(/^good .*90 days/),
    clock: expect.stringMatching(/^good /),
  });
});

test('what is wrong is told, and the rest is looked at all the same', async () => {
  const server = new MemoryServer();
  const profile = loggedIn(server.world.server);
  chmodSync(join(profile.path, 'keystore'), 0o644);
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + 3_600_000 };
  const soon = answering(server, systemClock.nowMs() + 3 * dayMs);
  expect(await found(() => profile, { dial: soon, clock })).toMatchObject({
    keys: expect.stringMatching(/^problem CONFIG /),
    server: expect.stringMatching(/^good /),
    certificate: expect.stringMatching(/^warning .*2 days/),
    clock: expect.stringMatching(/^warning .*3600 s ahead/),
  });
  rmSync(join(profile.path, 'keystore'));
  const away: Dial = () => Promise.reject(new CofferError('UNREACHABLE', 'away'));
  expect(await found(() => profile, { dial: away })).toMatchObject({
    keys: expect.stringMatching(/^problem NOT_LOGGED_IN /),
    server: 'problem UNREACHABLE away',
  });
});

test('another server behind the same key is a problem', async () => {
  const server = new MemoryServer();
  const profile = loggedIn(systemRandom.bytes(16));
  expect((await found(() => profile, { dial: answering(server) }))['server']).toMatch(/^problem UNTRUSTED_SERVER /);
});

test('without a login, or with a profile that cannot be opened, there is no server to ask', async () => {
  const never: Dial = () => Promise.reject(new TypeError('not dialled'));
  const nobody = Profile.open({ home: folder, name: 'nobody' });
  expect(Object.keys(await found(() => nobody, { dial: never }))).not.toContain('server');
  const broken = (): never => {
    throw new CofferError('DAMAGED', 'the profile is damaged');
  };
  expect((await found(broken, { dial: never }))['profile']).toBe('problem DAMAGED the profile is damaged');
});

test('an old Node, few watches and a folder that is not there are told', async () => {
  const old = { versions: { ...process.versions, node: '24.1.0' }, platform: process.platform, arch: process.arch };
  expect(programFinding('0.1.0', old).state).toBe('warning');
  const file = join(folder, 'watches');
  writeFileSync(file, '8192\n');
  expect((await watchingFinding(file))?.state).toBe('warning');
  expect(await watchingFinding(join(folder, 'no such file'))).toBeUndefined();
  expect((await spaceFinding(join(folder, 'no such folder'))).state).toBe('warning');
});
