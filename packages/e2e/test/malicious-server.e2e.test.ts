import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openAccount, Profile } from '@coffer/client';
import {
  concatBytes,
  equalBytes,
  newEntryId,
  randomId,
  systemClock,
  systemRandom,
  timestampFromMs,
  u64,
} from '@coffer/core';
import type { AccountId, VaultId } from '@coffer/core';
import { ed25519KeyPair, xwingKeyPair } from '@coffer/crypto';
import { makeCertificate, makeCommit, parseCommit, readCertificate } from '@coffer/journal';
import type { Commit, Ref } from '@coffer/journal';
import { payloadsOf } from '@coffer/protocol';
import type { DataSource } from '@coffer/protocol';
import { LiesAtWill } from '../faults/server/lies-at-will.ts';
import { openLyingServer } from '../faults/server/lying-server.ts';
import { Coffer, startVault } from '../src/index.ts';
import type { CofferResult, Person, Vault } from '../src/index.ts';

/** Each command is a process that opens a sealed keystore; the machine may be busy. */
jest.setTimeout(600_000);

let vault: Vault;
let alice: Person;
let bob: Person;
let carol: Person;
let mallory: Person;
/** A second machine of alice, which is going to be stolen. */
let laptop: Coffer;
let invite: string;
/** The share of alice that carol reads. */
let docs: VaultId;
let server: AsyncDisposable | undefined;
const operator = new LiesAtWill();
/** The key of an authority of the server operator's own. */
const impostor = ed25519KeyPair(systemRandom.bytes(32));

beforeAll(async () => {
  vault = await startVault();
  const add = (name: string): Promise<Person> => vault.addPerson(name);
  [alice, bob, carol, mallory] = await Promise.all([add('alice'), add('bob'), add('carol'), add('mallory')]);
  laptop = await vault.ownDevice(alice);
  const admin = await vault.ownDevice(vault.admin);
  ({ invite } = await admin.json<{ invite: string }>(['admin', 'invite', '--username', 'dora']));
  for (const folder of ['/docs', '/secret']) {
    await alice.device.json(['mkdir', folder]);
    await alice.device.run(['put', '-', `${folder}/plan.txt`], { input: 'the plan' });
  }
  await alice.device.json(['share', '/docs', 'carol']);
  await textAt(carol.device, shared);
  docs = await shareOf(alice);
  await vault.daemon.stop();
  server = await serve(vault.certs);
});

afterEach(() => {
  operator.lies = {};
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await vault?.[Symbol.asyncDispose]();
});

const shared = '/Shared/alice/docs/plan.txt';

const textAt = async (device: Coffer, path: string): Promise<string> => (await device.run(['cat', path])).stdout;

function serve(certs: string): Promise<AsyncDisposable> {
  const { storage, daemon } = vault;
  return openLyingServer({ storage, certs, port: daemon.port, interposer: operator.interposer });
}

/** The command is refused, the person is told what happened and what to do, and none of `unasked` ever reaches the server. */
async function expectRefused(
  run: () => Promise<CofferResult>,
  { code, exitCode, unasked }: { code: string; exitCode: number; unasked: readonly string[] },
): Promise<void> {
  operator.called.length = 0;
  const { error, ...ended } = await run();
  expect({ code: error?.code, exitCode: ended.exitCode }).toEqual({ code, exitCode });
  expect(error?.message).toBeTruthy();
  expect(error?.hint).toBeTruthy();
  expect(operator.called.filter((one) => unasked.includes(one))).toEqual([]);
}

const shareSecret = (): Promise<CofferResult> => alice.device.run(['share', '/secret', 'bob', '--json']);

const outgoing = (): Promise<unknown> => alice.device.json(['shares']);

const accountOf = ({ device }: Person): AccountId =>
  Profile.open({ home: device.home, name: 'default' }).requireRecord().account;

describe('keys of people', () => {
  test('another account under the name of the recipient: nothing is sealed to it', async () => {
    const account = accountOf(mallory);
    operator.lies['directory.lookUp'] = () => () => Promise.resolve({ account, username: 'bob' });
    await expectRefused(shareSecret, { code: 'NOT_ALLOWED', exitCode: 6, unasked: ['vault.append', 'vault.create'] });
    await expect(outgoing()).resolves.toMatchObject([{ member: 'carol' }]);
  });

  test('the same, with a certificate of another authority for that name', async () => {
    const account = accountOf(mallory);
    operator.lies['directory.lookUp'] = () => () => Promise.resolve({ account, username: 'bob' });
    operator.lies['directory.identity'] = (honest) => async (request, call) => {
      const answer = await honest(request, call);
      const certified = answer.certificate === null ? undefined : readCertificate(answer.certificate);
      if (certified?.type !== 'identity' || !equalBytes(certified.account, account)) return answer;
      const claim = { ...certified, authority: impostor.publicKey, username: 'bob' };
      return { ...answer, username: 'bob', certificate: makeCertificate(claim, impostor.sign) };
    };
    await expectRefused(shareSecret, { code: 'NOT_ALLOWED', exitCode: 6, unasked: ['vault.append', 'vault.create'] });
    await expect(outgoing()).resolves.toMatchObject([{ member: 'carol' }]);
  });

  test('the statements of somebody else in the place of an identity', async () => {
    const account = accountOf(mallory);
    operator.lies['directory.identity'] = (honest) => (request, call) => honest({ ...request, account }, call);
    await expectRefused(shareSecret, { code: 'INTEGRITY', exitCode: 9, unasked: ['vault.append', 'vault.create'] });
    operator.lies = {};
    await expect(outgoing()).resolves.toMatchObject([{ member: 'carol' }]);
  });
});

describe('keys of the administrator', () => {
  /** What the operator says that the authority says of the recovery key. */
  function forgedRecovery(): Uint8Array {
    const { server: serverId } = Profile.open({ home: alice.device.home, name: 'default' }).requireRecord();
    const sealKey = xwingKeyPair(systemRandom.bytes(32)).publicKey;
    const origin = { v: 1, authority: impostor.publicKey, server: serverId, at: timestampFromMs(Date.now()) } as const;
    return makeCertificate({ ...origin, type: 'recovery', sealKey }, impostor.sign);
  }

  const lost = { code: 'INTEGRITY', exitCode: 9 } as const;

  test('another recovery key at a change of the password: no record leaves the device, the password is what it was', async () => {
    operator.lies['account.passwordStart'] = (honest) => async (request, call) => ({
      ...(await honest(request, call)),
      recovery: forgedRecovery(),
    });
    const change = () =>
      alice.device.run(['password', 'change', '--password-stdin', '--json'], {
        input: 'eleven kites above harbours\n',
      });
    await expectRefused(change, { ...lost, unasked: ['account.passwordFinish'] });
    await expect(alice.device.json(['password', 'requests'])).resolves.toEqual([]);
  });

  test('another recovery key at a registration: no account is made, the invite stays good', async () => {
    operator.lies['account.registerStart'] = (honest) => async (request, call) => ({
      ...(await honest(request, call)),
      recovery: forgedRecovery(),
    });
    const dora = new Coffer(await vault.folder.folder('devices', 'dora'));
    const register = () =>
      dora.run(['register', invite, '--password-stdin', '--json'], { input: 'three lamps under bridges\n' });
    await expectRefused(register, { ...lost, unasked: ['account.registerFinish'] });
    expect(await dora.run(['whoami', '--json'])).toMatchObject({ exitCode: 3 });
    operator.lies = {};
    expect(await register()).toMatchObject({ exitCode: 0, json: { username: 'dora', recovery: true } });
  });

  test('another recovery key when a stolen device makes new keys: they are not given away, and the same command completes it', async () => {
    operator.lies['device.rotation'] = () => () => Promise.resolve({ recovery: forgedRecovery() });
    const { device: name } = await laptop.json<{ device: string }>(['whoami']);
    const revoke = () => alice.device.run(['device', 'revoke', name, '--yes', '--json']);
    await expectRefused(revoke, { ...lost, unasked: ['device.rotate'] });
    operator.lies = {};
    expect(await revoke()).toMatchObject({ exitCode: 0, json: { rotated: true } });
    expect(await textAt(alice.device, '/docs/plan.txt')).toBe('the plan');
    await carol.device.json(['verify-person', 'alice', '--yes']);
  });
});

describe('a history of a share', () => {
  /** What the server says when it is asked for the journal of the share. */
  function showShare(
    show: (honest: readonly Commit[]) => { readonly head: Commit; readonly commits: readonly Commit[] },
  ): void {
    operator.lies['vault.pull'] = (honest) => async (request, call) => {
      if (!equalBytes(request.vault, docs)) return honest(request, call);
      const all = await commitsOf((await honest({ ...request, after: 0 }, call)).data);
      const { head, commits } = show(all);
      const news = commits.filter(({ header }) => header.seq > request.after);
      return { response: { seq: head.header.seq, head: head.hash }, data: framesOf(news) };
    };
  }

  /** All of it, as the server has it. */
  async function journal(): Promise<readonly Commit[]> {
    let all: readonly Commit[] = [];
    showShare((honest) => {
      const [head] = honest.slice(-1);
      if (head === undefined) throw new TypeError('the share has a journal');
      all = honest;
      return { head, commits: honest };
    });
    await alice.device.json(['ls', '/docs']);
    operator.lies = {};
    return all;
  }

  test('a member that the owner did not admit, and a removal, in the name of a reader and of a stranger', async () => {
    const zero = new Uint8Array(32);
    const member: Ref = {
      kind: 'member',
      member: accountOf(mallory),
      role: 'read',
      fingerprint: zero,
      chainHead: zero,
      seals: [{ worker: null, sealed: systemRandom.bytes(1200) }],
    };
    const drop: Ref = { kind: 'drop', entries: [newEntryId(systemClock, systemRandom)], reason: 'removed' };
    for (const by of [carol, mallory]) {
      const author = await authorOf(by);
      for (const ref of [member, drop]) {
        showShare((honest) => {
          const head = forged(honest, { author, refs: [ref] });
          return { head, commits: [...honest, head] };
        });
        for (const [device, path] of [
          [carol.device, shared],
          [alice.device, '/docs/plan.txt'],
        ] as const) {
          const read = () => device.run(['cat', path, '--json']);
          await expectRefused(read, { code: 'INTEGRITY', exitCode: 9, unasked: ['vault.append', 'chunk.get'] });
        }
      }
    }
    operator.lies = {};
    expect(await textAt(carol.device, shared)).toBe('the plan');
    expect(await textAt(alice.device, '/docs/plan.txt')).toBe('the plan');
  });

  test('a membership of before a removal, shown again', async () => {
    const before = (await journal()).at(-1);
    if (before === undefined) throw new TypeError('the share has a journal');
    await alice.device.json(['unshare', '/docs', 'carol']);
    await alice.device.run(['put', '-', '/docs/later.txt'], { input: 'not for carol' });
    showShare(() => ({ head: before, commits: [] }));
    const write = () => alice.device.run(['put', '-', '/docs/more.txt', '--json'], { input: 'sealed for whom?' });
    await expectRefused(write, { code: 'ROLLBACK', exitCode: 9, unasked: ['vault.append', 'chunk.put'] });
    operator.lies = {};
    expect(await carol.device.run(['cat', shared, '--json'])).toMatchObject({ exitCode: 4 });
    expect(await textAt(alice.device, '/docs/later.txt')).toBe('not for carol');
  });
});

test('another TLS key, of the same authority and of another: nobody says a word to it', async () => {
  await server?.[Symbol.asyncDispose]();
  server = undefined;
  for (const replaced of [
    ['server.key', 'server.pem'],
    ['server.key', 'server.pem', 'ca.key', 'ca.pem'],
  ]) {
    const certs = vault.folder.join(`certs without ${replaced.length}`);
    cpSync(vault.certs, certs, { recursive: true });
    for (const name of replaced) rmSync(join(certs, name));
    await vault.machine.json(['admin', 'certificates', '--certs', certs, '--host', '127.0.0.1']);
    await using _other = await serve(certs);
    const anything = ['session.hello', 'session.loginStart', 'vault.append'];
    await expectRefused(shareSecret, { code: 'PIN_MISMATCH', exitCode: 9, unasked: anything });
    const fresh = new Coffer(await vault.folder.folder('devices', `fresh ${replaced.length}`));
    const logIn = () =>
      fresh.run(['login', alice.invite, '--password-stdin', '--json'], { input: `${alice.password}\n` });
    await expectRefused(logIn, { code: 'PIN_MISMATCH', exitCode: 9, unasked: anything });
  }
  server = await serve(vault.certs);
  expect(await shareSecret()).toMatchObject({ exitCode: 0 });
  expect(await textAt(bob.device, '/Shared/alice/secret/plan.txt')).toBe('the plan');
});

interface ForgingAuthor {
  readonly account: Uint8Array;
  readonly device: Uint8Array;
  readonly seed: Uint8Array;
}

/** The keys of a person's own machine, which works together with the server. */
async function authorOf({ device: { home }, password }: Person): Promise<ForgingAuthor> {
  const profile = Profile.open({ home, name: 'default' });
  const record = profile.requireRecord();
  const { deviceSeed } = await profile.keystore.open(record, () => Promise.resolve(password));
  return { account: record.account, device: record.device, seed: deviceSeed };
}

/** A commit on top of the last one, with anybody's key. */
function forged(
  commits: readonly Commit[],
  { author, refs }: { readonly author: ForgingAuthor; readonly refs: readonly Ref[] },
): Commit {
  const last = commits.at(-1);
  if (last === undefined) throw new TypeError('nothing to go on from');
  const { bodyHash: _bodyHash, ...header } = last.header;
  return makeCommit({
    header: {
      ...header,
      vault: last.vault,
      seq: header.seq + 1,
      prev: last.hash,
      account: author.account,
      device: author.device,
      commitId: randomId<'commit'>(systemRandom),
      at: timestampFromMs(Date.now()),
      refs,
    },
    body: new Uint8Array(100),
    sign: ed25519KeyPair(author.seed).sign,
  });
}

/** The only one that somebody shares. */
async function shareOf({ device: { home }, password }: Person): Promise<VaultId> {
  const profile = Profile.open({ home, name: 'default' });
  await using account = await openAccount({ profile, unlock: () => Promise.resolve(password) });
  const [share] = await account.sharing.outgoing();
  const target = share?.mount.target;
  if (!(target instanceof Uint8Array)) throw new TypeError('a share is expected');
  return target;
}

async function commitsOf(data: DataSource): Promise<Commit[]> {
  const commits: Commit[] = [];
  for await (const parts of payloadsOf(data)) {
    const frame = parts instanceof Uint8Array ? parts : concatBytes(...parts);
    commits.push(parseCommit(Uint8Array.from(frame).subarray(8)));
  }
  return commits;
}

async function* framesOf(commits: readonly Commit[]): AsyncGenerator<readonly Uint8Array[]> {
  for (const { bytes } of commits) yield [u64(Date.now()), bytes];
}
