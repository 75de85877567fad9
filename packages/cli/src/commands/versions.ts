import { equalBytes, formatSize, idKey, isCofferError, timestampToMs } from '@coffer/core';
import type { EntryId, IdKey } from '@coffer/core';
import type { Account, KeptVersion, Vault } from '@coffer/client';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { HomeSession } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { isoTime } from '../entry-view.ts';
import { table } from '../output.ts';
import { safeText } from '../safe-text.ts';
import { formatTime } from '../time.ts';
import { fileAt } from '../versions.ts';

const schemas = { args: z.tuple([Text]), options: z.strictObject({}) };

export const run: Command = async (context, input) => {
  const { args } = parseInput(input, schemas);
  await using session = await openHome(context);
  const { home, path } = await session.at(args[0], { pull: false });
  const { vault, isFresh } = await home.known();
  const { entry } = fileAt(vault.tree, path);
  const versions = await versionsIn(context, { vault, isFresh, entry });
  const before = await beforeSharing(context, { session, home, isFresh, entry });
  const all = [...versions, ...before];
  const names = await authorsOf(home, { versions: all, isFresh }, context.signal);
  const lines = all.map((kept, index): Line => ({ kept, isNumbered: index < versions.length, names }));
  context.output.result({
    json: () => lines.map((line) => versionView(home, line)),
    text: () => table(lines.map((line) => versionRow(home, line))),
  });
  return undefined;
};

interface Asked {
  readonly vault: Vault;
  readonly isFresh: boolean;
  readonly entry: EntryId;
}

async function versionsIn(
  { clock, signal }: CommandContext,
  { vault, isFresh, entry }: Asked,
): Promise<readonly KeptVersion[]> {
  return isFresh ? await vault.history.ask(entry, signal) : vault.history.versions(entry, clock.nowMs());
}

/** What the owner has of a file from before it was shared: only the owner sees it, and in a vault of its own. */
async function beforeSharing(
  context: CommandContext,
  { session, home, ...asked }: Omit<Asked, 'vault'> & { readonly session: HomeSession; readonly home: HomeSession },
): Promise<readonly KeptVersion[]> {
  const isOwnShare = home.place?.share === undefined && home.vault !== session.vault;
  if (!isOwnShare) return [];
  const versions = await versionsIn(context, { ...asked, vault: session.vault });
  // The share began with the last of them.
  return versions.slice(1);
}

/** One line of the list. */
interface Line {
  readonly kept: KeptVersion;
  /** A version of before the sharing has no number here: those of the share begin at 1 for all its members. */
  readonly isNumbered: boolean;
  readonly names: ReadonlyMap<IdKey, string>;
}

/** Names of whoever wrote the versions. Somebody who is not known here, and whom the server does not name, is shown by id. */
async function authorsOf(
  { account }: HomeSession,
  { versions, isFresh }: { readonly versions: readonly KeptVersion[]; readonly isFresh: boolean },
  signal: AbortSignal,
): Promise<ReadonlyMap<IdKey, string>> {
  const { info, people } = account;
  const names = new Map<IdKey, string>([[idKey(info.account), info.username]]);
  for (const { version } of versions) {
    const key = idKey(version.author);
    if (names.has(key)) continue;
    const known = people.known(version.author).username;
    names.set(key, known ?? (isFresh ? await askedName(account, { author: version.author }, signal) : key.slice(0, 8)));
  }
  return names;
}

/** A person may have left the server: what they wrote stays. */
async function askedName(
  { people }: Account,
  { author }: Pick<KeptVersion['version'], 'author'>,
  signal: AbortSignal,
): Promise<string> {
  try {
    return (await people.byAccount(author, signal)).username;
  } catch (error) {
    if (!isCofferError(error, 'NOT_FOUND', 'NOT_ALLOWED')) throw error;
    return idKey(author).slice(0, 8);
  }
}

function versionView(home: HomeSession, { kept, isNumbered, names }: Line) {
  const { version, state, untilMs, cause } = kept;
  return {
    version: isNumbered ? version.version : null,
    size: version.size,
    modified: isoTime(timestampToMs(version.mtime)),
    receivedAt: isoTime(version.receivedAtMs),
    author: names.get(idKey(version.author)),
    device: deviceOf(home, version),
    current: isNumbered && version.current,
    state,
    keptUntil: untilMs === undefined ? null : isoTime(untilMs),
    ...(cause !== undefined && { cause }),
  };
}

function versionRow(home: HomeSession, { kept, isNumbered, names }: Line): readonly string[] {
  const { version } = kept;
  return [
    isNumbered ? `v${version.version}` : 'before sharing',
    formatSize(version.size),
    formatTime(timestampToMs(version.mtime)),
    safeText(names.get(idKey(version.author)) ?? ''),
    safeText(deviceOf(home, version) ?? ''),
    stateText(kept),
  ];
}

/** What a device is called by the account that it belongs to. */
function deviceOf({ account }: HomeSession, { author, device }: KeptVersion['version']): string | null {
  if (device === undefined) return null;
  const known = account.people.known(author).devices.find((one) => equalBytes(one.device, device));
  return known?.name ?? idKey(device);
}

function stateText({ state, untilMs, cause }: KeptVersion): string {
  const time = untilMs === undefined ? '' : formatTime(untilMs);
  switch (state) {
    case 'current':
      return 'current';
    case 'kept':
      return untilMs === undefined ? 'kept: among the newest' : `kept until ${time}`;
    case 'purging':
      return `purged on ${time}`;
    case 'expired':
      return `expired ${time}${cause === 'purge' ? ', purged' : ''}`;
    case 'lost':
      return 'lost: the server does not have it any more';
    default:
      return state satisfies never;
  }
}
