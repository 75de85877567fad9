import { writeFile } from 'node:fs/promises';
import { Coffer } from './coffer.ts';
import { Daemon } from './daemon.ts';
import { freePort } from './free-port.ts';
import { TemporaryFolder } from './temp.ts';

/** What `admin init` and `admin user add` print. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly invite: string;
}

/** An account with a machine on which it is logged in. */
export interface Person extends Credentials {
  readonly device: Coffer;
}

export interface VaultOptions {
  /** Where all its folders lie; the system's temporary folder when left out. */
  readonly parent?: string;
  /** Where the server's storage lies, when not there: on another filesystem. The caller removes it. */
  readonly storage?: string;
  /** More arguments for `coffer serve`. */
  readonly serveArgs?: readonly string[];
  readonly serveEnv?: Readonly<Record<string, string>>;
}

/**
 * A whole Coffer for one scenario: certificates, storage, a running daemon, an administrator and a user, both logged in
 * on machines of their own. Disposing it stops the daemon and removes every trace.
 *
 * ```ts
 * await using vault = await startVault();
 * const report = await vault.user.device.json(['sync', folder, '/docs']);
 * await vault.daemon.kill9();
 * await vault.daemon.restart();
 * const laptop = await vault.device();
 * ```
 */
export class Vault implements AsyncDisposable {
  readonly folder: TemporaryFolder;
  readonly daemon: Daemon;
  readonly admin: Person;
  readonly user: Person;
  readonly #server: Server;

  constructor(parts: {
    readonly folder: TemporaryFolder;
    readonly daemon: Daemon;
    readonly admin: Person;
    readonly user: Person;
    readonly server: Server;
  }) {
    this.folder = parts.folder;
    this.daemon = parts.daemon;
    this.admin = parts.admin;
    this.user = parts.user;
    this.#server = parts.server;
  }

  get storage(): string {
    return this.#server.storage;
  }

  get certs(): string {
    return this.#server.certs;
  }

  get logs(): string {
    return this.#server.logs;
  }

  /** The command line on the server machine, whose home holds the authority key. */
  get machine(): Coffer {
    return this.#server.coffer;
  }

  /** One more machine on which `person` (the user when left out) is logged in. */
  async device(person: Credentials = this.user, loginArgs: readonly string[] = []): Promise<Coffer> {
    return await logIn(this.folder, { person, loginArgs });
  }

  /** One more machine of `person` that holds the keys of the account, under its password: an unattended one shares nothing. */
  async ownDevice(person: Credentials): Promise<Coffer> {
    return await logIn(this.folder, { person, keystore: 'password' });
  }

  /** One more account on a machine that holds its keys. */
  async addPerson(name: string, args: readonly string[] = []): Promise<Person> {
    const credentials = await addUser(this.#server, name, args);
    return { ...credentials, device: await this.ownDevice(credentials) };
  }

  /** One more account, logged in on a machine of its own. */
  async addUser(name: string, args: readonly string[] = []): Promise<Person> {
    const credentials = await addUser(this.#server, name, args);
    return { ...credentials, device: await logIn(this.folder, { person: credentials }) };
  }

  /** Stops the daemon and removes all folders. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
    await this.folder[Symbol.asyncDispose]();
  }
}

/** @throws Error with what the failing command said */
export async function startVault(options: VaultOptions = {}): Promise<Vault> {
  await using building = new AsyncDisposableStack();
  const folder = building.use(
    await TemporaryFolder.open(options.parent === undefined ? {} : { parent: options.parent }),
  );
  const server = await prepareServer(folder, options.storage);
  const adminCredentials = await initServer(server);
  // An account can be added beside a running daemon.
  const adding = addUser(server, 'user');
  building.defer(async () => void (await adding.catch(() => undefined)));
  const daemon = building.use(
    await Daemon.start({
      ...server.folders,
      home: server.coffer.home,
      port: server.port,
      args: options.serveArgs ?? [],
      env: options.serveEnv ?? {},
    }),
  );
  const userCredentials = await adding;
  const [adminDevice, userDevice] = await Promise.all([
    logIn(folder, { person: adminCredentials }),
    logIn(folder, { person: userCredentials }),
  ]);
  building.move();
  const admin = { ...adminCredentials, device: adminDevice };
  const user = { ...userCredentials, device: userDevice };
  return new Vault({ folder, daemon, admin, user, server });
}

/** The server machine: its folders, its port, and the command line on it. */
class Server {
  readonly storage: string;
  readonly certs: string;
  readonly logs: string;
  readonly port: number;
  readonly coffer: Coffer;

  constructor(folder: TemporaryFolder, { port, storage }: { readonly port: number; readonly storage: string }) {
    this.storage = storage;
    this.certs = folder.join('server', 'certs');
    this.logs = folder.join('server', 'logs');
    this.port = port;
    this.coffer = new Coffer(folder.join('server', 'home'));
  }

  get folders(): { storage: string; certs: string; logs: string } {
    return { storage: this.storage, certs: this.certs, logs: this.logs };
  }

  get provisionArgs(): string[] {
    return ['--storage', this.storage, '--certs', this.certs, '--port', String(this.port), '--generate'];
  }
}

async function prepareServer(
  folder: TemporaryFolder,
  storage: string = folder.join('server', 'storage'),
): Promise<Server> {
  await folder.folder('server', 'home');
  return new Server(folder, { port: await freePort(), storage });
}

async function initServer(server: Server): Promise<Credentials> {
  return await server.coffer.json([
    'admin',
    'init',
    '--host',
    '127.0.0.1',
    '--admin',
    'admin',
    ...server.provisionArgs,
  ]);
}

async function addUser(server: Server, name: string, args: readonly string[] = []): Promise<Credentials> {
  return await server.coffer.json([
    'admin',
    'user',
    'add',
    name,
    '--host',
    '127.0.0.1',
    ...server.provisionArgs,
    ...args,
  ]);
}

interface LogIn {
  readonly person: Credentials;
  readonly keystore?: 'file' | 'password';
  readonly loginArgs?: readonly string[];
}

async function logIn(folder: TemporaryFolder, { person, keystore = 'file', loginArgs = [] }: LogIn): Promise<Coffer> {
  const name = `${person.username}-${crypto.randomUUID().slice(0, 8)}`;
  const home = await folder.folder('devices', name);
  const coffer = new Coffer(
    home,
    keystore === 'file' ? {} : { COFFER_PASSWORD_FILE: await passwordFile(home, person) },
  );
  const args = [
    'login',
    person.invite,
    '--password-stdin',
    '--keystore',
    keystore,
    '--device-name',
    name,
    ...loginArgs,
  ];
  const result = await coffer.run([...args, '--json'], { input: `${person.password}\n` });
  if (result.exitCode !== 0)
    throw new Error(`login of ${person.username}: exit code ${result.exitCode}\n${result.stderr}`);
  return coffer;
}

async function passwordFile(home: string, { password }: Credentials): Promise<string> {
  const path = `${home}.password`;
  await writeFile(path, `${password}\n`, { mode: 0o600 });
  return path;
}
