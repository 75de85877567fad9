import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom, timestampFromMs } from '@coffer/core';
import { createTlsDial, login, openAccount, Profile } from '../../src/index.ts';
import type { Account, Dial, Entry, Ignored, Place, Vault } from '../../src/index.ts';
import type { Interposer } from '@coffer/server';
import { lying } from './lies.ts';
import type { Lies } from './lies.ts';
import { MemoryKeyring } from './keyring.ts';
import { password, RealServer } from './real-server.ts';

/** A real server and machines of several people, all in this process; keys lie in a keyring, so that nothing is stretched but at logins. */
export class Machines implements AsyncDisposable {
  readonly server: RealServer;
  /** What the server's operator makes it say, from now on and until it is taken back. */
  readonly lies: Lies;
  readonly #folder: string;
  readonly #keyring = new MemoryKeyring();
  #count = 0;

  private constructor(parts: { readonly server: RealServer; readonly lies: Lies; readonly folder: string }) {
    this.server = parts.server;
    this.lies = parts.lies;
    this.#folder = parts.folder;
  }

  static async open(): Promise<Machines> {
    const lies: Lies = { handlers: {} };
    const interposer: Interposer = { handlers: (honest) => lying(honest, lies) };
    const server = await RealServer.open(tmpdir(), { interposer });
    return new Machines({ server, lies, folder: mkdtempSync(join(tmpdir(), 'coffer-machines-')) });
  }

  /** A new account with its first machine. */
  async person(username: string, options: { readonly certified?: boolean } = {}): Promise<Machine> {
    await this.server.addAccount(username, options);
    return this.machine(username);
  }

  /** One more machine of an account. */
  async machine(
    username: string,
    keystore: 'keyring' | 'file' = 'keyring',
    serve: readonly string[] = [],
  ): Promise<Machine> {
    const name = `machine-${(this.#count += 1)}`;
    const deps = { clock: systemClock, random: systemRandom, keyring: this.#keyring };
    const profile = Profile.open({ home: this.#folder, name }, deps);
    const { pin, authority, target } = this.server;
    const trust = { kind: 'pin', pin, authority } as const;
    await login({ profile, target: { ...target, username }, trust, password, deviceName: name, keystore, serve });
    return new Machine(profile);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** One machine of one person. Each call is a process of its own, as far as the server can tell. */
export class Machine {
  readonly profile: Profile;

  constructor(profile: Profile) {
    this.profile = profile;
  }

  get username(): string {
    return this.profile.requireRecord().username;
  }

  get account(): Uint8Array {
    return this.profile.requireRecord().account;
  }

  /** `dial`: another way to the server, for one that lies. */
  async run<Result>(
    work: (account: Account) => Promise<Result>,
    dial: Dial = createTlsDial({ clock: systemClock }),
    onIgnored: (ignored: Ignored) => void = () => undefined,
  ): Promise<Result> {
    const unlock = (): never => {
      throw new TypeError('a keyring asks nobody');
    };
    await using account = await openAccount({ profile: this.profile, unlock, onIgnored }, { dial });
    return await work(account);
  }

  share(path: string, name: string, role: 'read' | 'write' = 'read'): Promise<unknown> {
    return this.run(async (account) => {
      const { vault, path: inside } = await account.places.resolve(path, { follow: false });
      const entry = required(vault.tree.lookup(inside), path);
      return account.sharing.share({ entry, person: await account.sharing.find(name), role });
    });
  }

  unshare(path: string, name: string): Promise<void> {
    return this.run(async (account) => {
      const { vault, path: inside } = await account.places.resolve(path, { follow: false });
      const mount = required(vault.tree.lookup(inside), path);
      const { account: member } = await account.sharing.find(name);
      await account.sharing.unshare({ mount, member });
    });
  }

  /** As the command does it; who it was by the name that is shown, if it was a member. */
  takeFrom(path: string, name: string): Promise<string | undefined> {
    return this.run(async ({ places, sharing }) => {
      const { vault, path: inside } = await places.resolve(path, { follow: false });
      const mount = required(vault.tree.lookup(inside), path);
      const member = await sharing.memberNamed({ mount, name });
      if (member !== undefined) await sharing.unshare({ mount, member: member.account });
      return member?.username;
    });
  }

  /** Text of a file. */
  read(path: string): Promise<string> {
    return this.run(async (account) => textOf(await account.places.resolve(path)));
  }

  /** Makes or changes a file; folders above it are made. */
  write(path: string, text: string): Promise<void> {
    return this.run(async (account) => writeText(await account.places.resolve(path, { write: true }), text));
  }

  remove(path: string): Promise<void> {
    return this.run(async (account) => {
      const { vault, path: inside } = await account.places.resolve(path, { write: true });
      await using batch = vault.batch();
      await batch.remove([required(vault.tree.lookup(inside), path).entry]);
      await batch.commit();
    });
  }

  /** Paths of all files at or below a path, as the account sees them. */
  list(path: string): Promise<readonly string[]> {
    return this.run(async (account) => {
      const { vault, path: inside, shown } = await account.places.resolve(path);
      const start = required(vault.tree.lookup(inside), path);
      const above = vault.tree.path(start.entry) ?? [];
      return [...vault.tree.walk(start.entry)]
        .filter(({ entry }) => entry.kind !== 'directory')
        .map(({ path: names }) => `/${shown([...above, ...names]).join('/')}`);
    });
  }

  shares(): Promise<readonly string[]> {
    return this.run(async ({ sharing, shared }) => {
      const mine = await sharing.outgoing();
      const theirs = await shared.list();
      return [
        ...mine.map(({ names, member, role, state }) => `/${names.join('/')} ${member.username} ${role} ${state}`),
        ...theirs.map(({ ownerName, name, role }) => `/Shared/${ownerName}/${String(name)} ${role}`),
      ];
    });
  }
}

function required(entry: Entry | undefined, path: string): Entry {
  if (entry === undefined) throw new Error(`there is no ${path}`);
  return entry;
}

async function textOf({ vault, path }: Place): Promise<string> {
  const parts: Buffer[] = [];
  await using downloader = await vault.downloader();
  await downloader.download(required(vault.tree.lookup(path), path).content, (_offset, bytes) => {
    parts.push(Buffer.from(bytes));
  });
  return Buffer.concat(parts).toString();
}

/** Puts a text file into a vault, with the folders above it. */
async function writeText({ vault, names }: { vault: Vault; names: Place['names'] }, text: string): Promise<void> {
  const now = { mtime: timestampFromMs(Date.now()), mode: 0o644 };
  await using uploader = await vault.uploader();
  await using batch = vault.batch({ uploader });
  let parent = vault.tree.root().entry;
  for (let length = 1; length < names.length; length += 1) {
    const there = vault.tree.lookup(names.slice(0, length));
    parent =
      there?.entry ?? (await batch.makeDirectory({ ...now, mode: 0o755, parent, name: names[length - 1] ?? '' }));
  }
  const content = await uploader.uploadStream(oneChunk(text));
  const present = vault.tree.lookup(names);
  const file = { ...now, parent, name: names.at(-1) ?? '', content };
  await batch.putFile(present === undefined ? file : { ...file, entry: present.entry });
  const refused = (await batch.commit()).flatMap((report) => report.refused)[0];
  if (refused !== undefined) throw refused.error;
}

async function* oneChunk(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
