import { formatSize, idKey, timestampToMs } from '@coffer/core';
import type { Entry, KeptVersion } from '@coffer/client';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { HomeSession } from '../compose.ts';
import type { Command } from '../context.ts';
import { isoTime } from '../entry-view.ts';
import { table } from '../output.ts';
import { formatTime } from '../time.ts';
import { fileAt } from '../versions.ts';

const schemas = { args: z.tuple([Text]), options: z.strictObject({}) };

export const run: Command = async (context, input) => {
  const { args } = parseInput(input, schemas);
  await using session = await openHome(context);
  const { home, path } = await session.at(args[0], { pull: false });
  const { vault, isFresh } = await home.known();
  const { entry } = fileAt(vault.tree, path);
  const versions = isFresh
    ? await vault.history.ask(entry, context.signal)
    : vault.history.versions(entry, context.clock.nowMs());
  context.output.result({
    json: () => versions.map((kept) => versionView(home, kept)),
    text: () => table(versions.map((kept) => versionRow(home, kept))),
  });
  return undefined;
};

function versionView(home: HomeSession, { version, state, untilMs, cause }: KeptVersion) {
  return {
    version: version.version,
    size: version.size,
    modified: isoTime(timestampToMs(version.mtime)),
    receivedAt: isoTime(version.receivedAtMs),
    device: deviceOf(home, version),
    current: version.current,
    state,
    keptUntil: untilMs === undefined ? null : isoTime(untilMs),
    ...(cause !== undefined && { cause }),
  };
}

function versionRow(home: HomeSession, kept: KeptVersion): readonly string[] {
  const { version } = kept;
  return [
    `v${version.version}`,
    formatSize(version.size),
    formatTime(timestampToMs(version.mtime)),
    deviceOf(home, version) ?? '',
    stateText(kept),
  ];
}

function deviceOf(home: HomeSession, { device }: Entry): string | null {
  return device === undefined ? null : (home.deviceName(device) ?? idKey(device));
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
