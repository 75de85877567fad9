import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Coffer, compareTrees, startVault, TemporaryFolder } from '../../src/index.ts';
import type { CofferResult, Vault } from '../../src/index.ts';
import { checkStorage } from '../check-storage.ts';
import { Seeded } from '../seeded.ts';
import { Administrator } from './administrator.ts';
import { SettableClock, shiftedBy } from './shifted-time.ts';
import type { Shift } from './shifted-time.ts';

export interface ClockJumpsResult {
  /** Clients whose clock was wrong and who were told that the certificate is not valid. */
  readonly clientsRefused: number;
  /** Servers that did not start with a certificate that is not valid by their clock. */
  readonly startsRefused: number;
  /** Jumps of a daemon that went on serving. */
  readonly jumps: number;
  /** Wrong passwords and times at which nobody got in. */
  readonly intrudersRefused: number;
  /** Collections while the clock was wrong: none of them let anything expire. */
  readonly collections: number;
  /** Versions that every one of those found kept. */
  readonly versions: number;
  /** What went when an administrator accepted the wrong time. */
  readonly expiredWhenAccepted: number;
}

interface RunOptions {
  readonly env?: Record<string, string>;
}

type Counts = { -readonly [Key in keyof ClockJumpsResult]: number };

interface Version {
  readonly state: string;
}

/** By the default rules the oldest of them go when a year has passed: the newest 5 stay for ever. */
const versions = 8;
const keptVersions = 5;
const allShifts = ['+10y', '-10y'] as const;
const allPlaces = ['client', 'jump', 'start', 'everywhere'] as const;

export interface ClockJumpsOptions {
  readonly seed: number;
  /** All when left out. */
  readonly shifts?: readonly Shift[];
  /** Which clocks are wrong, and since when; all when left out. */
  readonly places?: readonly (typeof allPlaces)[number][];
}

/**
 * Clocks are ten years off on either side. Nothing is lost, nothing expires before an administrator says that the time is
 * right, and nobody gets in who would not have got in otherwise. @throws AssertionError
 */
export async function clockJumps(options: ClockJumpsOptions, signal?: AbortSignal): Promise<ClockJumpsResult> {
  const { seed, shifts = allShifts, places = allPlaces } = options;
  await using own = await TimeFile.open();
  await using vault = await startVault({ serveEnv: own.clock.environment });
  const scene = new Scene({ vault, clock: own.clock, seeded: new Seeded(seed) });
  await scene.begin();
  for (const shift of shifts) {
    for (const place of places) {
      signal?.throwIfAborted();
      await scene[place](shift);
    }
  }
  await scene.accept();
  return scene.counts;
}

/** A folder of its own, since the daemon needs the clock before there is a vault. */
class TimeFile implements AsyncDisposable {
  readonly clock: SettableClock;
  readonly #folder: TemporaryFolder;

  private constructor(folder: TemporaryFolder) {
    this.#folder = folder;
    this.clock = new SettableClock(folder.join('time'));
  }

  static async open(): Promise<TimeFile> {
    return new TimeFile(await TemporaryFolder.open());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** A user with a past, an administrator, and clocks that go wrong. */
class Scene {
  readonly counts: Counts = {
    clientsRefused: 0,
    startsRefused: 0,
    jumps: 0,
    intrudersRefused: 0,
    collections: 0,
    versions,
    expiredWhenAccepted: 0,
  };
  readonly #vault: Vault;
  readonly #clock: SettableClock;
  readonly #seeded: Seeded;
  readonly #folder: string;
  #admin: Administrator | undefined;
  #removed: Uint8Array = new Uint8Array(0);
  #checks = 0;

  constructor(parts: { readonly vault: Vault; readonly clock: SettableClock; readonly seeded: Seeded }) {
    this.#vault = parts.vault;
    this.#clock = parts.clock;
    this.#seeded = parts.seeded;
    this.#folder = parts.vault.folder.join('work');
  }

  /** A file with many versions, one that was removed, and others. */
  async begin(): Promise<void> {
    const { folder, user } = this.#vault;
    await folder.folder('work');
    this.#admin = await Administrator.logIn(this.#vault);
    for (let file = 0; file < 5; file += 1) this.#write(`file ${file}`);
    this.#write('removed');
    for (let version = 0; version < versions; version += 1) {
      this.#write('story');
      await user.device.json(['sync', this.#folder, '/work']);
    }
    this.#removed = readFileSync(join(this.#folder, 'removed'));
    rmSync(join(this.#folder, 'removed'));
    await user.device.json(['sync', this.#folder, '/work', '--delete']);
    await this.#nothingLost({});
  }

  /** A client whose clock is wrong believes no certificate, and says so. */
  async client(shift: Shift): Promise<void> {
    const { device } = this.#vault.user;
    const env = shiftedBy(shift);
    this.#write('file 1');
    assertCertificate(await device.run(['sync', this.#folder, '/work', '--json'], { env }));
    const fresh = new Coffer(await this.#vault.folder.folder(`stranger ${this.#checks}`));
    assertCertificate(await this.#logIn(fresh, { password: this.#vault.user.password, env }));
    this.counts.clientsRefused += 2;
    await device.json(['sync', this.#folder, '/work']);
    await this.#nothingLost({});
  }

  /** The clock of the daemon jumps while it serves, and later back. */
  async jump(shift: Shift): Promise<void> {
    await this.#serveAt(shift, {});
    await this.#serveAt('+0', {});
    this.counts.jumps += 2;
  }

  /** A daemon whose clock is wrong when it starts finds its certificate invalid, and changes nothing. */
  async start(shift: Shift): Promise<void> {
    const { daemon } = this.#vault;
    await daemon.stop();
    this.#clock.set(shift);
    await assert.rejects(daemon.restart(), /certificate/i);
    this.counts.startsRefused += 1;
    await checkStorage(this.#vault);
    this.#clock.set('+0');
    await daemon.restart();
    await this.#nothingLost({});
  }

  /** Every clock says the same wrong time, and there is a certificate of that time: nobody can tell but the storage. */
  async everywhere(shift: Shift): Promise<void> {
    const { daemon, machine, certs } = this.#vault;
    const env = shiftedBy(shift);
    const kept = `${certs} as they were`;
    await daemon.stop();
    cpSync(certs, kept, { recursive: true });
    await machine.json(['admin', 'certificates', '--certs', certs, '--renew'], { env });
    this.#clock.set(shift);
    await daemon.restart();
    await this.#wrongTime({ env });
    await daemon.stop();
    rmSync(certs, { recursive: true });
    cpSync(kept, certs, { recursive: true });
    rmSync(kept, { recursive: true });
    this.#clock.set('+0');
    await daemon.restart();
    await this.#nothingLost({});
  }

  /** An administrator says that ten years have passed: now the rules take effect, and only they. */
  async accept(): Promise<void> {
    this.#clock.set('+10y');
    const counts = await this.#collect(['--accept-clock']);
    this.counts.expiredWhenAccepted = counts.expiredVersions ?? 0;
    assert(this.counts.expiredWhenAccepted > 0, 'an accepted clock lets old versions go');
    const left = (await this.#versions({})).filter((version) => !isGone(version));
    assert.equal(left.length, keptVersions, 'the newest stay');
    await this.#equal({});
    await checkStorage(this.#vault);
  }

  async #serveAt(shift: Shift, options: RunOptions): Promise<void> {
    this.#clock.set(shift);
    if (shift === '+0') await this.#nothingLost(options);
    else await this.#wrongTime(options);
  }

  async #wrongTime(options: RunOptions): Promise<void> {
    const { clock } = await this.#adminJson<{ clock: { paused: boolean } }>(['admin', 'status'], options);
    assert.equal(clock.paused, true, 'the clock of retention is paused');
    const { expiredVersions } = await this.#collect([], options);
    assert.equal(expiredVersions, 0, 'nothing expires by a clock that jumped');
    this.counts.collections += 1;
    await this.#nobodyElse(options);
    await this.#nothingLost(options);
  }

  async #collect(args: readonly string[], options: RunOptions = {}): Promise<Record<string, number>> {
    return await this.#adminJson(['admin', 'collect', ...args], options);
  }

  async #adminJson<Result>(args: readonly string[], options: RunOptions): Promise<Result> {
    assert(this.#admin !== undefined);
    return await this.#admin.json<Result>(args, options);
  }

  async #nobodyElse({ env = {} }: RunOptions): Promise<void> {
    const stranger = new Coffer(await this.#vault.folder.folder(`stranger ${this.#checks}`));
    const result = await this.#logIn(stranger, { password: 'not the password of anybody', env });
    assert.notEqual(result.exitCode, 0, 'a wrong password is wrong at any time');
    this.counts.intrudersRefused += 1;
  }

  #logIn(coffer: Coffer, { password, env }: { readonly password: string; readonly env: Record<string, string> }) {
    const how = ['--password-stdin', '--keystore', 'file', '--json'];
    return coffer.run(['login', this.#vault.user.invite, ...how], { input: `${password}\n`, env });
  }

  /** Old versions and what was removed are kept, work goes on, and a new device has all of it. */
  async #nothingLost(options: RunOptions): Promise<void> {
    this.#write('file 0');
    const { device } = this.#vault.user;
    await device.json(['sync', this.#folder, '/work'], options);
    const kept = await this.#versions(options);
    assert.deepEqual([kept.length, kept.filter(isGone)], [versions, []]);
    await device.json(['restore', '/work/removed'], options);
    const got = this.#vault.folder.join('got');
    await device.json(['get', '/work/removed', got], options);
    assert.deepEqual(readFileSync(got), this.#removed);
    rmSync(got);
    await device.json(['rm', '/work/removed'], options);
    await this.#equal(options);
  }

  async #versions(options: RunOptions): Promise<readonly Version[]> {
    return await this.#vault.user.device.json<Version[]>(['versions', '/work/story'], options);
  }

  async #equal({ env = {} }: RunOptions): Promise<void> {
    this.#checks += 1;
    const fresh = new Coffer(await this.#vault.folder.folder(`laptop ${this.#checks}`));
    const login = await this.#logIn(fresh, { password: this.#vault.user.password, env });
    assert.equal(login.exitCode, 0, login.stderr);
    const copy = this.#vault.folder.join(`copy ${this.#checks}`);
    await fresh.json(['sync', copy, '/work', '--mode', 'pull'], { env });
    assert.deepEqual(compareTrees(this.#folder, copy), []);
  }

  #write(name: string): void {
    writeFileSync(join(this.#folder, name), this.#seeded.bytes(1 + this.#seeded.below(40_000)));
  }
}

function isGone({ state }: Version): boolean {
  return state !== 'kept' && state !== 'current';
}

function assertCertificate({ exitCode, error, stderr }: CofferResult): void {
  assert.equal(error?.code, 'CERTIFICATE', stderr);
  assert.notEqual(exitCode, 0);
  assert.match(error.hint ?? '', /clock/, 'it says what may be wrong');
}
