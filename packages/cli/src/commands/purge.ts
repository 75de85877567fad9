import { CofferError, dayMs } from '@coffer/core';
import type { KeptVersion } from '@coffer/client';
import { z } from 'zod';
import { Count, Flag, parseInput, Text } from '../arguments.ts';
import { openHome, requireFullDevice } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { isoTime } from '../entry-view.ts';
import { confirm } from '../prompt.ts';
import { formatTime } from '../time.ts';
import { fileAt } from '../versions.ts';

const schemas = {
  args: z.tuple([Text]),
  options: z.strictObject({ version: z.array(Count).min(1).max(1000).optional(), cancel: Flag }),
};

/** A purge waits as long as a shorter policy does (JOURNAL §Retention). */
const delayMs = 7 * dayMs;

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  if ((options.version === undefined) !== options.cancel)
    throw new CofferError('INVALID', 'say one of them: --version N... or --cancel');
  await using session = await openHome(context);
  requireFullDevice(session.account);
  const { home, path } = await session.at(args[0], { write: true });
  const { tree, history } = home.vault;
  const { entry } = fileAt(tree, path);
  const versions = await history.ask(entry, context.signal);
  const waiting = versions.filter(({ state }) => state === 'purging');
  if (options.version === undefined) {
    if (waiting.length === 0) throw new CofferError('NOT_FOUND', `no purge of ${args[0]} is waiting`);
  } else await confirmPurge(context, { path: args[0], versions, numbers: options.version });
  const named = versions.filter(({ version }) => options.version?.includes(version.version));
  const purged = options.cancel ? [] : [...new Set([...waiting, ...named].map(({ version }) => version.seq))];
  await history.purge(entry, purged, context.signal);
  tellHold(context, (await history.retention(undefined, context.signal)).hold.on);
  const after = purgingOf(await history.ask(entry, context.signal));
  context.output.result({
    json: () => ({ path: args[0], purging: after }),
    text: () =>
      after.length === 0
        ? 'cancelled: nothing is purged'
        : after.map(({ version, at }) => `v${version} is destroyed on ${formatTime(Date.parse(at))}`).join('\n'),
  });
  return undefined;
};

/** @throws NOT_FOUND, INVALID when nobody agrees */
async function confirmPurge(
  context: CommandContext,
  {
    path,
    versions,
    numbers,
  }: { readonly path: string; readonly versions: readonly KeptVersion[]; readonly numbers: readonly number[] },
): Promise<void> {
  for (const number of numbers) {
    const found = versions.find(({ version }) => version.version === number);
    if (found === undefined || found.state === 'expired' || found.state === 'lost') {
      throw new CofferError('NOT_FOUND', `there is no version ${number} of ${path} to purge`, {
        hint: 'See them with `coffer versions`.',
      });
    }
    if (found.state === 'current') {
      throw new CofferError('INVALID', `version ${number} of ${path} is the current one, which is always kept`, {
        hint: 'Remove the file or put another version first.',
      });
    }
  }
  const when = formatTime(context.clock.nowMs() + delayMs);
  const what = `${numbers.length === 1 ? 'version' : 'versions'} ${numbers.join(', ')} of ${path}`;
  if (await confirm(context, `On ${when} ${what} will be destroyed for good. Until then --cancel stops it. Go on?`))
    return;
  throw new CofferError('INVALID', `nothing was changed: ${what} would be destroyed for good in 7 days`, {
    hint: 'Agree to it with --yes.',
  });
}

function purgingOf(versions: readonly KeptVersion[]): { version: number; at: string }[] {
  return versions
    .filter(({ state }) => state === 'purging')
    .map(({ version, untilMs }) => ({ version: version.version, at: isoTime(untilMs ?? 0) }));
}

function tellHold(context: CommandContext, isHeld: boolean): void {
  if (isHeld) context.output.warn('a hold is on: nothing is destroyed until it ends');
}
