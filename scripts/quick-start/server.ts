import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { CofferRunner } from './coffer-runner.ts';

interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly invite: string;
}

export interface RunningServer extends AsyncDisposable {
  /** `127.0.0.1:7443`. */
  readonly address: string;
  readonly stopped: Promise<void>;
}

/** Certificates, storage, an administrator and a user, made once; their passphrases are printed once and kept nowhere. */
export async function ensureAccounts(coffer: CofferRunner): Promise<Credentials | undefined> {
  if (existsSync(join(coffer.root, 'server-storage', 'server.id'))) return undefined;
  console.log('Making certificates, keys and the first two accounts …');
  const admin = await coffer.json<Credentials>(['admin', 'init', '--generate']);
  const user = await coffer.json<Credentials>(['admin', 'user', 'add', ownName(admin.username), '--generate']);
  console.log('\nWrite these down, they are shown only now:');
  for (const { username, password } of [admin, user]) console.log(`  ${username.padEnd(12)} ${password}`);
  console.log(`  invite for ${user.username}: ${user.invite}\n`);
  return user;
}

/** The person's own login name where it can be a username. */
function ownName(taken: string): string {
  const name = userInfo().username.toLowerCase();
  return /^[a-z][a-z0-9._-]{1,30}$/.test(name) && name !== taken ? name : 'me';
}

/** The daemon on 127.0.0.1:7443 as a process of its own. @throws Error with what it said when it does not start */
export async function startServer(coffer: CofferRunner): Promise<RunningServer> {
  const child = coffer.start(['serve']);
  const said: string[] = [];
  createInterface({ input: child.stderr ?? process.stdin }).on('line', (line) => said.push(line));
  const stopped = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout ?? process.stdin }).on('line', (line) => {
      const match = /^listening on (.+)$/.exec(line);
      if (match?.[1] !== undefined) resolve(match[1]);
    });
    void stopped.then(() => reject(new Error(said.join('\n') || 'the server ended before it was ready')));
  });
  process.on('SIGINT', () => child.kill('SIGTERM'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return {
    address,
    stopped,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await stopped;
    },
  };
}

/** Signs the checkout's own profile in, as an unattended device: its keys lie in `.coffer`, readable by the owner only. */
export async function ensureLogin(coffer: CofferRunner, user: Credentials | undefined): Promise<void> {
  const signedIn = await coffer.run(['whoami', '--quiet']);
  if (signedIn.exitCode === 0) return;
  if (user === undefined) {
    throw new Error(
      'error: this server has accounts already, but the profile in .coffer is not signed in\n' +
        'hint: sign in with `node_modules/.bin/coffer --home .coffer login INVITE --keystore file`',
    );
  }
  await coffer.json(
    ['login', user.invite, '--keystore', 'file', '--device-name', 'quick-start', '--password-stdin'],
    user.password,
  );
}
