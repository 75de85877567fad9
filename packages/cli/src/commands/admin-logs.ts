import { CofferError, fromUtf8, hourMs, idFromKey, idKey } from '@coffer/core';
import { auditCategories, readAudit } from '@coffer/server';
import type { AuditCategory } from '@coffer/server';
import { Accounts } from '@coffer/storage';
import { z } from 'zod';
import { storageFolder } from '../admin-place.ts';
import { Flag, parseInput, Text, Username } from '../arguments.ts';
import { logLineText } from '../audit-text.ts';
import { signedInAccount } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { serverConfig } from '../server-config.ts';
import { parseTime } from '../time.ts';

const schemas = {
  args: z.tuple([]),
  options: z.strictObject({
    category: z.array(z.enum(auditCategories)).max(auditCategories.length).optional(),
    account: Username.optional(),
    since: Text.optional(),
    follow: Flag,
    storage: Text.optional(),
    logs: Text.optional(),
  }),
};

/** What is shown when no time is given. */
const defaultMs = 24 * hourMs;
/** How often the files are looked at for more. */
const lookMs = 1000;

interface Wanted {
  readonly categories: readonly AuditCategory[];
  readonly username: string | undefined;
  readonly sinceMs: number;
  readonly follow: boolean;
}

interface Shown {
  readonly bytes: Uint8Array;
  /** By account id in hex. */
  readonly nameOf: (account: string) => string;
}

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const nowMs = context.clock.nowMs();
  const wanted: Wanted = {
    categories: options.category ?? [],
    username: options.account,
    sinceMs: options.since === undefined ? nowMs - defaultMs : parseTime(options.since, nowMs),
    follow: options.follow,
  };
  const storage = storageFolder(context, options.storage);
  const lines =
    storage === undefined ? linesAfar(context, wanted) : linesHere(context, { storage, logs: options.logs, wanted });
  for await (const { bytes, nameOf } of lines) {
    const text = textOf(bytes);
    // One line each as they come: `--json` shows what stands in the log, in JSON's own escapes.
    context.output.result({ json: () => jsonOf(text), text: () => logLineText(text, nameOf) });
  }
  return undefined;
};

async function* linesAfar(context: CommandContext, wanted: Wanted): AsyncGenerator<Shown> {
  await using account = await signedInAccount(context);
  for await (const { bytes, names } of account.server.watch.logs(wanted, context.signal))
    yield { bytes, nameOf: (id) => names.get(id) ?? id.slice(0, 8) };
}

interface Here {
  readonly storage: string;
  readonly logs: string | undefined;
  readonly wanted: Wanted;
}

async function* linesHere(context: CommandContext, { storage, logs, wanted }: Here): AsyncGenerator<Shown> {
  const flags = { 'storage.path': storage, 'logs.path': logs };
  const { path } = (await serverConfig(context, { file: undefined, flags })).logs;
  await using accounts = await Accounts.open(storage, { clock: context.clock });
  const account = wanted.username === undefined ? undefined : await idOf(accounts, wanted.username);
  const names = new Map<string, string>();
  const nameOf = (id: string): string => names.get(id) ?? id.slice(0, 8);
  for (let from: ReadonlyMap<AuditCategory, string> = new Map(); ;) {
    context.signal.throwIfAborted();
    const page = await readAudit({ path, ...wanted, account, from });
    for (const one of page.lines) {
      await learnNames(accounts, { names, text: textOf(one) });
      yield { bytes: one, nameOf };
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

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { unreadable: text };
  }
}
