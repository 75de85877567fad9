import { isSound } from '@coffer/client';
import { AuditHeadStore, verifyAudit } from '@coffer/server';
import { Accounts } from '@coffer/storage';
import { z } from 'zod';
import { storageFolder } from '../admin-place.ts';
import { Flag, parseInput, Text } from '../arguments.ts';
import { verifiedText } from '../audit-text.ts';
import type { VerifiedCategory } from '../audit-text.ts';
import { signedInAccount } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { serverConfig } from '../server-config.ts';

const schemas = {
  args: z.tuple([]),
  options: z.strictObject({ accept: Flag, storage: Text.optional(), logs: Text.optional() }),
};

type Shown = VerifiedCategory & { readonly lastHash: string };

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const storage = storageFolder(context, options.storage);
  const categories =
    storage === undefined
      ? await verifyAfar(context, options)
      : await verifyHere(context, { storage, logs: options.logs });
  const whole = categories.every(isSound);
  context.output.result({ json: () => ({ whole, categories }), text: () => verifiedText(categories) });
  return whole ? undefined : exitCodes.integrity;
};

async function verifyAfar(
  context: CommandContext,
  { accept }: { readonly accept: boolean },
): Promise<readonly Shown[]> {
  await using account = await signedInAccount(context);
  const reports = await account.server.watch.verifyAudit({ accept }, context.signal);
  return reports.map((report) => ({ ...report, lastHash: report.lastHash.toHex() }));
}

async function verifyHere(
  context: CommandContext,
  { storage, logs }: { readonly storage: string; readonly logs: string | undefined },
): Promise<readonly Shown[]> {
  const flags = { 'storage.path': storage, 'logs.path': logs };
  const { path } = (await serverConfig(context, { file: undefined, flags })).logs;
  await using accounts = await Accounts.open(storage, { clock: context.clock });
  const store = new AuditHeadStore(accounts);
  const reports = await verifyAudit({ path, heads: () => store.read(), signal: context.signal });
  return reports.map(({ category, lines, firstSeq, last, problem }) => ({
    category,
    lines,
    firstSeq,
    lastSeq: last.seq,
    lastHash: last.hash,
    problem: problem ?? null,
    known: null,
  }));
}
