import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { rootEntry, systemRandom, systemClock } from '@coffer/core';
import { login, openAccount, Profile } from '../src/index.ts';
import { password, RealServer } from './support/real-server.ts';

// A password is stretched several times here, and the machine may be busy.
jest.setTimeout(60_000);

let server: RealServer;
let folder: string;

beforeAll(async () => {
  server = await RealServer.open();
  folder = mkdtempSync(join(tmpdir(), 'coffer-client-'));
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test('a file goes up from one device and comes down on another', async () => {
  const first = await device('first');
  const bytes = randomBytes(3_000_000);
  const path = join(folder, 'a file');
  writeFileSync(path, bytes);
  {
    await using account = await openAccount({ profile: first, unlock: () => Promise.resolve(password) });
    const vault = await account.home();
    await using uploader = await vault.uploader();
    const content = await uploader.upload({ path, size: bytes.byteLength });
    await using batch = vault.batch({ uploader });
    await batch.putFile({ parent: rootEntry, name: 'a file', content, mtime: content.mtime, mode: content.mode });
    const reports = await batch.commit();
    expect(reports).toMatchObject([{ seq: 2, refused: [] }]);
  }
  const second = await device('second');
  await using account = await openAccount({ profile: second, unlock: () => Promise.resolve(password) });
  const vault = await account.home();
  expect(await vault.pull()).toMatchObject({ voidCommits: 0, skippedOperations: 0 });
  const entry = vault.tree.lookup('/a file');
  expect(entry).toMatchObject({ kind: 'file', size: bytes.byteLength, version: 1 });
  await using downloader = await vault.downloader();
  const parts: Uint8Array[] = [];
  await downloader.download(entry?.content ?? [], (_offset, part) => void parts.push(Uint8Array.from(part)));
  expect(Buffer.concat(parts).equals(bytes)).toBe(true);
});

async function device(name: string): Promise<Profile> {
  const profile = Profile.open(
    { home: folder, name },
    { clock: systemClock, random: systemRandom, keyring: { save: fail, load: fail, remove: fail } },
  );
  const trust = { kind: 'pin', pin: server.pin, authority: server.authority } as const;
  await login({ profile, target: server.target, password, keystore: 'password', trust, deviceName: name });
  return profile;
}

function fail(): never {
  throw new TypeError('no keyring is used here');
}
