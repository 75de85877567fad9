import { resolve } from 'node:path';
import { silentLogger } from '@coffer/core';
import { Storage } from '@coffer/storage';
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
