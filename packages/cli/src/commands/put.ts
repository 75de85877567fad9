import { lstat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { CofferError, timestampFromMs } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import { splitPath } from '@coffer/client';
import type { Vault } from '@coffer/client';
import { pushTree } from '@coffer/sync';
import { z } from 'zod';
import { parseInput, Texts } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { HomeSession } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { exitCodeOfReport } from '../exit-codes.ts';
import { Progress } from '../progress.ts';
import { syncText } from '../transfer-text.ts';
import { findEntry, findTarget } from '../vault-paths.ts';

const schemas = { args: z.tuple([Texts.min(2)]), options: z.strictObject({}) };

/** `LOCAL... PATH`, naming things as `cp -r` does; `-` is standard input. */
export const run: Command = async (context, input) => {
  const { args } = parseInput(input, schemas);
  const locals = args[0].slice(0, -1);
  await using session = await openHome(context);
  const typed = args[0].at(-1) ?? '/';
  const { home, path } = await session.at(typed, { write: true });
  // A slash at the end says that a folder is meant.
  const target = typed.endsWith('/') && path !== '/' ? `${path}/` : path;
  if (locals.includes('-')) return await putStandardInput(context, { home, locals, target });
  using progress = new Progress(context.output, context.clock);
  const report = await pushTree({
    vault: home.vault,
    ...(await placeSources(home.vault, { locals, target, cwd: context.cwd })),
    deviceName: home.account.info.deviceName,
    device: home.account.info.device,
    onProgress: (state) => progress.update(state),
    signal: context.signal,
  });
  progress[Symbol.dispose]();
  context.output.result({ json: () => report, text: () => syncText(report) });
  return exitCodeOfReport(report);
};

interface Placed {
  readonly sources: readonly { readonly local: string; readonly name: string }[];
  readonly into: EntryId;
}

async function placeSources(
  { tree }: Vault,
  { locals, target, cwd }: { readonly locals: readonly string[]; readonly target: string; readonly cwd: string },
): Promise<Placed> {
  const paths = locals.map((local) => resolve(cwd, local));
  for (const path of paths) await requireLocal(path);
  const present = findEntry(tree, target);
  if (present?.kind === 'directory') {
    return { sources: paths.map((local) => ({ local, name: basename(local) })), into: present.entry };
  }
  const [only] = paths;
  if (only === undefined || paths.length > 1 || target.endsWith('/')) {
    throw new CofferError('NOT_FOUND', `there is no folder ${target} in the vault`, {
      hint: `Make it with: coffer mkdir -p ${target}`,
    });
  }
  const { parent, name } = findTarget(tree, target);
  return { sources: [{ local: only, name }], into: parent.entry };
}

/** @throws NOT_FOUND naming the path */
async function requireLocal(path: string): Promise<void> {
  try {
    await lstat(path);
  } catch (cause) {
    throw new CofferError('NOT_FOUND', `${path} does not exist or cannot be reached`, { cause });
  }
}

/** The usual mode of a new file; a stream has none of its own. */
const streamMode = 0o644;

async function putStandardInput(
  context: CommandContext,
  { home, locals, target }: { readonly home: HomeSession; readonly locals: readonly string[]; readonly target: string },
): Promise<undefined> {
  const { vault } = home;
  if (locals.length > 1) throw new CofferError('INVALID', 'standard input cannot be put together with files');
  if (findEntry(vault.tree, target)?.kind === 'directory' || splitPath(target).length === 0) {
    throw new CofferError('INVALID', 'standard input needs the name of a file', {
      hint: 'Write: coffer put - /notes.txt',
    });
  }
  const { parent, name, present } = findTarget(vault.tree, target);
  await using uploader = await vault.uploader({ lanes: 1 });
  await using batch = vault.batch({ uploader });
  const content = await uploader.uploadStream(context.streams.stdin as AsyncIterable<Uint8Array>, context.signal);
  const mtime = timestampFromMs(context.clock.nowMs());
  const file = {
    parent: parent.entry,
    name,
    content,
    mtime,
    mode: streamMode,
    ...(present && { entry: present.entry }),
  };
  await batch.putFile(file, context.signal);
  await home.commit(batch);
  context.output.result({
    json: () => ({ path: target, bytes: content.size, bytesSent: content.bytesSent }),
    text: () => '',
  });
  return undefined;
}
