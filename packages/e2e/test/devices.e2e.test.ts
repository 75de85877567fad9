import { expect, jest, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Coffer, startVault } from '../src/index.ts';
import type { CofferResult, Credentials, Vault } from '../src/index.ts';

jest.setTimeout(600_000);

type Run = (args: readonly string[]) => Promise<CofferResult>;

/** A machine of the person's own: its keys lie under their password. */
async function fullDevice(vault: Vault, { username, password, invite }: Credentials, name: string): Promise<Run> {
  const home = await vault.folder.folder(`${username}-${name}`);
  const coffer = new Coffer(home);
  const secret = join(home, 'password');
  writeFileSync(secret, `${password}\n`, { mode: 0o600 });
  const env = { COFFER_PASSWORD_FILE: secret };
  const logged = await coffer.run(['login', invite, '--device-name', name, '--json'], { env });
  expect([logged.exitCode, logged.stderr]).toEqual([0, expect.any(String)]);
  return (args) => coffer.run([...args, '--json'], { env });
}

interface Listed {
  readonly name: string;
  readonly device: string;
  readonly kind: 'full' | 'worker';
  readonly current: boolean;
  readonly revoked: boolean;
  readonly lastSeenAt: string | null;
}

test('a stolen unattended machine takes nothing further with it, a stolen laptop neither', async () => {
  await using vault = await startVault();
  const laptop = await fullDevice(vault, vault.user, 'laptop');
  const desk = await fullDevice(vault, vault.user, 'desk');
  const stolen = await fullDevice(vault, vault.user, 'phone');
  const nightly = await vault.device();
  const files = await vault.folder.folder('files');
  const put = async (run: Run, name: string): Promise<CofferResult> => {
    writeFileSync(join(files, name), `this is ${name}`);
    return await run(['put', join(files, name), `/${name}`]);
  };
  const list = async (run: Run): Promise<readonly Listed[]> => (await run(['device'])).json as Listed[];
  const cat = async (run: Run, name: string): Promise<string> => (await run(['cat', `/${name}`])).stdout;
  const worker: Run = (args) => nightly.run([...args, '--json']);
  expect((await put(laptop, 'before')).exitCode).toBe(0);

  const devices = await list(laptop);
  expect(devices.map(({ name, kind }) => [name, kind]).slice(1, 4)).toEqual([
    ['laptop', 'full'],
    ['desk', 'full'],
    ['phone', 'full'],
  ]);
  expect(devices.filter(({ current }) => current).map(({ name }) => name)).toEqual(['laptop']);
  expect(devices.every(({ lastSeenAt }) => lastSeenAt !== null)).toBe(true);
  expect(await worker(['device'])).toMatchObject({ exitCode: 6 });
  expect(await laptop(['device', 'revoke', 'nothing'])).toMatchObject({ exitCode: 4 });
  expect(await laptop(['device', 'revoke', 'laptop', '--yes'])).toMatchObject({ exitCode: 2 });

  // The first unattended machine: its vault gets a new key, the second one goes on with it.
  const gone = devices[0]?.name ?? '';
  expect((await laptop(['device', 'revoke', gone])).json).toMatchObject({
    scope: 'worker',
    wasRevoked: false,
    rotated: false,
    vaults: 1,
  });
  expect(await vault.user.device.run(['ls', '/', '--json'])).toMatchObject({ exitCode: 3 });
  expect((await laptop(['device', 'revoke', gone])).json).toMatchObject({ wasRevoked: true, vaults: 0 });
  expect((await put(laptop, 'after-worker')).exitCode).toBe(0);
  expect(await cat(worker, 'after-worker')).toBe('this is after-worker');
  expect((await put(worker, 'by-worker')).exitCode).toBe(0);

  // The phone: without a yes nothing happens; then everything that it held is changed.
  expect(await laptop(['device', 'revoke', 'phone'])).toMatchObject({ error: { code: 'CANCELLED' } });
  expect((await laptop(['device', 'revoke', 'phone', '--yes'])).json).toMatchObject({
    scope: 'full',
    wasRevoked: false,
    rotated: true,
    vaults: 1,
  });
  expect(await stolen(['ls', '/'])).toMatchObject({ exitCode: 3, error: { code: 'NOT_LOGGED_IN' } });
  expect((await laptop(['device', 'revoke', 'phone', '--yes'])).json).toMatchObject({ rotated: false, vaults: 0 });
  for (const name of ['before', 'after-worker', 'by-worker']) expect(await cat(laptop, name)).toBe(`this is ${name}`);
  expect((await put(laptop, 'after-phone')).exitCode).toBe(0);
  expect(await worker(['cat', '/after-phone'])).toMatchObject({ exitCode: 6, error: { code: 'NOT_ALLOWED' } });
  expect((await put(worker, 'by-worker-again')).exitCode).toBe(0);

  // The other laptop learns of it with its next command, and takes the keys over with the one after.
  expect(await desk(['cat', '/before'])).toMatchObject({ exitCode: 3, error: { code: 'NOT_LOGGED_IN' } });
  for (const name of ['before', 'after-phone', 'by-worker-again'])
    expect(await cat(desk, name)).toBe(`this is ${name}`);
  expect((await put(desk, 'by-desk')).exitCode).toBe(0);
  expect(await cat(laptop, 'by-desk')).toBe('this is by-desk');

  // A new machine sees all of it; the password is the same.
  const tablet = await fullDevice(vault, vault.user, 'tablet');
  for (const name of ['before', 'by-desk']) expect(await cat(tablet, name)).toBe(`this is ${name}`);
  const kinds = ((await tablet(['notifications'])).json as { kind: string }[]).map(({ kind }) => kind);
  expect(kinds).toContain('identity-changed');
});
