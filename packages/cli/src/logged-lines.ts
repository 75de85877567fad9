import { auditLineText } from '@coffer/client';
import { CofferError, idFromKey, idKey } from '@coffer/core';
import { readAudit } from '@coffer/server';
import type { AuditCategory } from '@coffer/server';
import { Accounts } from '@coffer/storage';
import { signedInAccount } from './compose.ts';
import type { CommandContext } from './context.ts';
import { serverConfig } from './server-config.ts';

/** How often the files are looked at for more. */
const lookMs = 1000;

export interface WantedLines {
  /** Empty: all. */
  readonly categories: readonly AuditCategory[];
  /** Only what this account did, or was done to it. */
  readonly username: string | undefined;
  readonly sinceMs: number;
  /** Goes on with what comes, until the signal of the context. */
  readonly follow: boolean;
}

/** Where the log is read: the files of a server on this machine, or over the network when there is no `storage`. */
export interface LogPlace {
  readonly storage: string | undefined;
  readonly logs: string | undefined;
}

/** A line of the audit log as it stands there; unchecked. */
export interface ShownLine {
  readonly text: string;
  /** By account id in hex; the first digits of those that are gone. */
  readonly nameOf: (account: string) => string;
}

/** The audit log by time. @throws NOT_FOUND when there is no such account, NOT_ALLOWED, UNREACHABLE, IO */
export async function* loggedLines(
  context: CommandContext,
  { storage, logs }: LogPlace,
  wanted: WantedLines,
): AsyncGenerator<ShownLine> {
  yield* storage === undefined ? linesAfar(context, wanted) : linesHere(context, { storage, logs, wanted });
}

async function* linesAfar(context: CommandContext, wanted: WantedLines): AsyncGenerator<ShownLine> {
  await using account = await signedInAccount(context);
  for await (const { bytes, names } of account.server.watch.logs(wanted, context.signal))
    yield { text: auditLineText(bytes), nameOf: (id) => names.get(id) ?? id.slice(0, 8) };
}

interface Here {
  readonly storage: string;
  readonly logs: string | undefined;
  readonly wanted: WantedLines;
}

async function* linesHere(context: CommandContext, { storage, logs, wanted }: Here): AsyncGenerator<ShownLine> {
  const flags = { 'storage.path': storage, 'logs.path': logs };
  const { path } = (await serverConfig(context, { file: undefined, flags })).logs;
  await using accounts = await Accounts.open(storage, { clock: context.clock });
  const account = wanted.username === undefined ? undefined : await idOf(accounts, wanted.username);
  const names = new Map<string, string>();
  const nameOf = (id: string): string => names.get(id) ?? id.slice(0, 8);
  for (let from: ReadonlyMap<AuditCategory, string> = new Map(); ;) {
    context.signal.throwIfAborted();
    const page = await readAudit({ path, ...wanted, account, from });
    for (const bytes of page.lines) {
      const text = auditLineText(bytes);
      await learnNames(accounts, { names, text });
      yield { text, nameOf };
    }
    from = page.from;
    if (page.more) continue;
    if (!wanted.follow) return;
    await context.clock.sleep(lookMs, context.signal);
  }
}

async function learnNames(
  accounts: Accounts,
  { names, text }: { readonly names: Map<string, string>; readonly text: string },
): Promise<void> {
  for (const [, id] of text.matchAll(/"(?:account|subject)":"([0-9a-f]{32})"/g)) {
    if (id === undefined || names.has(id)) continue;
    names.set(id, (await accounts.byId(idFromKey(id)))?.username ?? id.slice(0, 8));
  }
}

async function idOf(accounts: Accounts, username: string): Promise<string> {
  const record = await accounts.byName(username);
  if (record !== undefined) return idKey(record.account);
  throw new CofferError('NOT_FOUND', 'there is no account of that name', { hint: 'See `coffer admin user list`.' });
}
