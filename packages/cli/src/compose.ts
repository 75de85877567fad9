import { join } from 'node:path';
import { CofferError, equalBytes, idKey, isCofferError } from '@coffer/core';
import { openAccount, Profile } from '@coffer/client';
import type {
  Account,
  CommitBatch,
  CommitReport,
  EntryName,
  GenerationNews,
  IgnoredAuthor,
  OpenAccountOptions,
  Person,
  Place,
  ResolveOptions,
  Vault,
} from '@coffer/client';
import type { CommandContext } from './context.ts';
import { ignoredText } from './ignored-text.ts';
import { formatSpan } from './progress.ts';
import { readPassword } from './prompt.ts';
import { formatTime } from './time.ts';
import { safeText } from './safe-text.ts';

export function openProfile(context: CommandContext): Profile {
  return Profile.open({ home: context.globals.home, name: context.globals.profile });
}

/** Folder of the states of sync jobs, inside the profile. */
export function jobsFolder(context: CommandContext): string {
  return join(openProfile(context).path, 'jobs');
}

/** The account that is signed in here. What a broken or hostile device wrote harms nothing, and is told. @throws NOT_LOGGED_IN */
export async function signedInAccount(context: CommandContext, wishes: AccountWishes = {}): Promise<Account> {
  const account: Account = await openAccount({
    ...wishes,
    profile: openProfile(context),
    unlock: wishes.unlock ?? (() => readPassword(context, { prompt: 'Password: ', fromStdin: false })),
    onIgnored: (ignored) => {
      for (const line of ignoredText(ignored, (author) => authorName(account, author))) context.output.warn(line);
    },
    onBrokenShare: ({ vault, error }) =>
      context.output.warn(`a share (${idKey(vault).slice(0, 8)}) cannot be used: ${safeText(error.message)}`),
    onGeneration: (news) => tellGeneration(context, news),
    onClockSkew: (skewMs) => context.output.warn(clockText(skewMs)),
    signal: context.signal,
  });
  return account;
}

/** A device of one's own by its name, one of another person with theirs; undefined for what is not known here. */
function authorName({ info, people }: Account, { account, device }: IgnoredAuthor): string | undefined {
  const { username, devices } = people.known(account);
  const name = devices.find((one) => equalBytes(one.device, device))?.name;
  if (name === undefined) return undefined;
  const shown = JSON.stringify(safeText(name));
  return equalBytes(account, info.account) ? shown : `${shown} of ${safeText(username ?? idKey(account))}`;
}

/** What a command may ask of its connection. */
export type AccountWishes = Pick<OpenAccountOptions, 'bandwidth' | 'keepAlive'> &
  Partial<Pick<OpenAccountOptions, 'unlock'>>;

function clockText(skewMs: number): string {
  const far = `${formatSpan(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'}`;
  return `the clock of this machine is ${far} the server's: set it, or times of changes and names of conflicts will be wrong`;
}

/** Told once: what happened to the server, and what it means here. The administrator's words are made safe. */
function tellGeneration({ output }: CommandContext, { reason, atMs, wentBack }: GenerationNews): void {
  const when = new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');
  output.warn(`the server began anew on ${when} UTC, signed by its administrator: ${safeText(reason)}`);
  if (wentBack)
    output.warn(
      'it has lost the newest changes that this device had seen; the next sync sends again what the folder still has',
    );
}

/** @throws NOT_ALLOWED on an unattended device, which decides nothing about what is kept */
export function requireFullDevice({ info }: Account): void {
  if (info.scope === 'full') return;
  throw new CofferError('NOT_ALLOWED', 'an unattended device may not decide what is kept', {
    hint: 'Sign in with --keystore password or keyring, and run it there.',
  });
}

/** The path is not reached either. */
const notThere: readonly string[] = ['UNREACHABLE', 'TIMEOUT', 'BUSY', 'SHUTTING_DOWN', 'CANCELLED', 'NOT_LOGGED_IN'];

/** The home vault of the signed-in account. The caller disposes it. @throws NOT_LOGGED_IN */
export async function openHome(context: CommandContext, wishes: AccountWishes = {}): Promise<HomeSession> {
  const account = await signedInAccount(context, wishes);
  try {
    return new HomeSession({ account, vault: await account.home(context.signal), context });
  } catch (error) {
    await account[Symbol.asyncDispose]();
    throw error;
  }
}

export class HomeSession implements AsyncDisposable {
  readonly account: Account;
  readonly vault: Vault;
  readonly #context: CommandContext;
  readonly #place: Place | undefined;
  #finishing: Promise<void> | undefined;

  constructor(parts: {
    readonly account: Account;
    readonly vault: Vault;
    readonly context: CommandContext;
    readonly place?: Place;
  }) {
    this.account = parts.account;
    this.vault = parts.vault;
    this.#context = parts.context;
    this.#place = parts.place;
  }

  /**
   * Where a path leads: the session of that vault, up to date, and the path inside it. It ends with this one. What was begun to be
   * shared and not finished is finished first; where that fails it is told, and the path is there all the same.
   */
  async at(path: string, options: ResolveOptions = {}): Promise<{ readonly home: HomeSession; readonly path: string }> {
    const { signal } = this.#context;
    if (options.pull !== false) await (this.#finishing ??= this.#finishPending());
    const place = await this.account.places.resolve(path, options, signal);
    if (place.share !== undefined) this.warnOf(place.share.owner);
    const { account } = this;
    return { home: new HomeSession({ account, vault: place.vault, context: this.#context, place }), path: place.path };
  }

  /** New keys where somebody went who still has the old ones; what fails is told. Nothing on an unattended device. */
  async workOff(): Promise<void> {
    const { output, signal } = this.#context;
    try {
      await this.account.sharing.workOff(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!isCofferError(error) || notThere.includes(error.code)) throw error;
      output.warn(`not all that you share has the keys it should have: ${safeText(error.message)}`);
    }
  }

  /** Whoever would free space, or take away what is in the way, must not be kept from it. */
  async #finishPending(): Promise<void> {
    const { output, signal } = this.#context;
    try {
      await this.account.sharing.finishPending(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!isCofferError(error) || notThere.includes(error.code)) throw error;
      output.warn(`what was begun to be shared is not finished: ${safeText(error.message)}`);
    }
  }

  /** Tells when nobody has made sure that a person is who the name says. */
  warnOf(person: Person): void {
    warnOfPerson(this.#context, person);
  }

  /** Where this session is, when it was made by {@link at}. */
  get place(): Place | undefined {
    return this.#place;
  }

  /** A path inside the vault as the account sees it. */
  shown(names: readonly EntryName[]): readonly EntryName[] {
    return this.#place?.shown(names) ?? names;
  }

  /** The vault with everything that the server has now. */
  async pulled(): Promise<Vault> {
    await this.vault.pull(this.#context.signal);
    return this.vault;
  }

  /**
   * The vault for what is past: that is known here. The server is asked only for what may have come since, and when it is
   * not reached what this device saw last is shown, and that it is so.
   */
  async known(atMs?: number): Promise<{ readonly vault: Vault; readonly isFresh: boolean }> {
    const { tree } = this.vault;
    const seenMs = tree.timeOf(tree.seq) ?? 0;
    if (atMs !== undefined && atMs < seenMs) return { vault: this.vault, isFresh: true };
    try {
      return { vault: await this.pulled(), isFresh: true };
    } catch (error) {
      if (!isCofferError(error, 'UNREACHABLE', 'TIMEOUT', 'SHUTTING_DOWN', 'BUSY')) throw error;
      this.#context.output.warn(
        `the server is not reached: this is what the device saw last, at ${formatTime(seenMs)}`,
      );
      return { vault: this.vault, isFresh: false };
    }
  }

  /** Appends what the batch holds. @throws CONFLICT when another device was faster with one of the entries; EXPIRED, INTEGRITY for content that is not there any more */
  async commit(batch: CommitBatch): Promise<readonly CommitReport[]> {
    const reports = await batch.commit(this.#context.signal);
    const refused = reports.flatMap((report) => report.refused)[0];
    if (refused === undefined) return reports;
    if (refused.error.code !== 'CONFLICT') throw refused.error;
    throw new CofferError('CONFLICT', 'another device changed the same entry at the same moment', {
      hint: 'Look at it with `coffer ls`, then run the command again.',
      cause: refused.error,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.account[Symbol.asyncDispose]();
  }
}

/** Whoever shares may be somebody else than their name says. */
function warnOfPerson({ output }: CommandContext, { username, trust }: Person): void {
  if (trust === 'certified' || trust === 'verified') return;
  const name = safeText(username);
  const what = trust === 'changed' ? 'are not those that this device knew' : 'are not made sure of';
  output.warn(`the keys of ${name}, who shares this, ${what}: compare words with coffer verify-person ${name}`);
}
