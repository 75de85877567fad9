import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Coffer } from '../src/index.ts';
import type { Vault } from '../src/index.ts';

/** One more machine of the user, whose way to the daemon leads through `port`. */
export async function logInThrough(
  vault: Vault,
  { port, name }: { readonly port: number; readonly name: string },
): Promise<Coffer> {
  const coffer = new Coffer(await vault.folder.folder('devices', name));
  const { username, password } = vault.user;
  const target = [`${username}@127.0.0.1:${port}`, '--ca', join(vault.certs, 'ca.pem')];
  const how = ['--password-stdin', '--keystore', 'file', '--device-name', name];
  const result = await coffer.run(['login', ...target, ...how], { input: `${password}\n` });
  assert.equal(result.exitCode, 0, result.stderr);
  return coffer;
}
