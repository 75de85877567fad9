import { resolve } from 'node:path';
import { silentLogger } from '@coffer/core';
import type { CofferError } from '@coffer/core';
import { auditedHere, noteHere } from '@coffer/server';
import type { Audited, AuditedWork, AuditHere } from '@coffer/server';
import { Accounts, Storage } from '@coffer/storage';
import type { Account, ServerAdmin } from '@coffer/client';
import { signedInAccount } from './compose.ts';
import type { CommandContext } from './context.ts';
import { serverConfig } from './server-config.ts';

/** Folder that an administrator's command works on; undefined: over the network, as the signed-in administrator. */
export function storageFolder(context: CommandContext, given: string | undefined): string | undefined {
  return given === undefined ? undefined : resolve(context.cwd, given);
}

/** Asks the server, and leaves. @throws NOT_LOGGED_IN, NOT_ALLOWED, UNREACHABLE */
export async function askServer<Result>(
  context: CommandContext,
  work: (server: ServerAdmin) => Promise<Result>,
): Promise<Result> {
  await using account: Account = await signedInAccount(context);
  return await work(account.server);
}

export interface LocalWork {
  /** The storage folder. */
  readonly storage: string;
  readonly event: string;
  /** `admin` when left out. */
  readonly category?: AuditedWork['category'];
}

/**
 * What is done here rather than by a daemon, with its lines in the daemon's security log. Only for work that may open
 * accounts.db: a daemon of an older version beside it would find it changed. @throws what the work throws
 */
export async function auditedWork<Result>(
  context: CommandContext,
  { storage, ...about }: LocalWork,
  work: () => Promise<Audited<Result>>,
): Promise<Result> {
  return await auditedHere(auditHere(context, storage), { category: 'admin', ...about }, work);
}

/** The one line of other work, which succeeded. */
export async function noteWork(
  context: CommandContext,
  { storage, ...about }: LocalWork,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  await noteHere(auditHere(context, storage), { category: 'admin', ...about }, { counts });
}

function auditHere({ clock, random, output }: CommandContext, path: string): AuditHere {
  const onUnwritten = ({ message }: CofferError): void =>
    output.warn(`this is not noted in the security log: ${message}`);
  return { path, clock, random, onUnwritten };
}

/** The same on accounts.db alone, which a running daemon shares. @throws as `Accounts.open` too */
export async function changeAccounts<Result>(
  context: CommandContext,
  about: LocalWork,
  work: (accounts: Accounts) => Promise<Audited<Result>>,
): Promise<Result> {
  return await auditedWork(context, about, async () => {
    await using accounts = await Accounts.open(about.storage, { clock: context.clock });
    return await work(accounts);
  });
}

/** The storage itself, when no daemon has it. The caller disposes it. @throws LOCKED beside a running daemon; as `Storage.open` */
export async function openStorage(context: CommandContext, path: string): Promise<Storage> {
  const { storage, retention } = await serverConfig(context, { file: undefined, flags: { 'storage.path': path } });
  return await Storage.open({
    ...storage,
    retention,
    clock: context.clock,
    random: context.random,
    logger: silentLogger,
    // What fails for good fails the command too.
    onFatal: () => undefined,
  });
}
