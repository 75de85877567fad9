import { CofferError, formatSize } from '@coffer/core';
import type { RetentionReport, RetentionPolicy } from '@coffer/client';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openHome, requireFullDevice } from '../compose.ts';
import type { HomeSession } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { isoTime } from '../entry-view.ts';
import { table } from '../output.ts';
import { confirm } from '../prompt.ts';
import { formatTime } from '../time.ts';
import { requireEntry } from '../vault-paths.ts';

const args = z.tuple([Text.default('/')]);

const Figure = z.coerce.number().int();

const setOptions = z.strictObject({
  versions: Figure.min(1).max(10_000).optional(),
  days: Figure.min(0).max(36_500).optional(),
  trashDays: Figure.min(1).max(36_500).optional(),
});

/** What is kept and for how long; without the server what the journal says of it. */
export const show: Command = async (context, input) => {
  const { args: given } = parseInput(input, { args, options: z.strictObject({}) });
  await using session = await openHome(context);
  const { home, path } = await session.at(given[0], { pull: false });
  const { vault, isFresh } = await home.known();
  requireEntry(vault.tree, path, given[0]);
  const { policy } = vault.history.policyAt(context.clock.nowMs());
  const report = isFresh ? await vault.history.retention(undefined, context.signal) : undefined;
  context.output.result({
    json: () => (report === undefined ? { ...policy, pending: null } : reportView(report)),
    text: () => table(report === undefined ? policyRows(policy) : reportRows(report)),
  });
  return undefined;
};

/** Figures that are left out stay as they were set last. */
export const set: Command = async (context, input) => {
  const { args: given, options } = parseInput(input, { args, options: setOptions });
  if (Object.keys(options).length === 0) {
    throw new CofferError('INVALID', 'say what to keep: --versions N, --days N, --trash-days N', {
      hint: 'See what is kept with `coffer policy show`.',
    });
  }
  await using session = await openHome(context);
  requireFullDevice(session.account);
  const { home, path } = await session.at(given[0], { write: true });
  const { tree, history } = home.vault;
  requireEntry(tree, path, given[0]);
  const before = await history.retention(undefined, context.signal);
  const last = before.pending?.policy ?? before.policy;
  const policy: RetentionPolicy = {
    versions: options.versions ?? last.versions,
    days: options.days ?? last.days,
    trashDays: options.trashDays ?? last.trashDays,
  };
  await confirmLoss(context, { home, before, policy });
  await history.setPolicy(policy, context.signal);
  const report = await history.retention(undefined, context.signal);
  context.output.result({ json: () => reportView(report), text: () => table(reportRows(report)) });
  if (report.pending !== null) context.output.note(pendingText(report));
  return undefined;
};

/** What a policy would make go is said before it is set. @throws INVALID when nobody agrees */
async function confirmLoss(
  context: CommandContext,
  {
    home,
    before,
    policy,
  }: { readonly home: HomeSession; readonly before: RetentionReport; readonly policy: RetentionPolicy },
): Promise<void> {
  const { expiring } = await home.vault.history.retention(policy, context.signal);
  const versions = expiring.versions - before.expiring.versions;
  if (versions <= 0) return;
  const bytes = Math.max(0, expiring.storedBytes - before.expiring.storedBytes);
  const loss = `${versions} ${versions === 1 ? 'version' : 'versions'} (${formatSize(bytes)}) that are kept now would be dropped for good after 7 days`;
  if (await confirm(context, `${loss}. Set this policy?`)) return;
  throw new CofferError('INVALID', `nothing was changed: ${loss}`, { hint: 'Agree to it with --yes.' });
}

function reportView({ policy, pending, hold, expiring }: RetentionReport) {
  return {
    ...policy,
    pending: pending === null ? null : { ...pending.policy, from: isoTime(pending.fromMs) },
    hold: {
      on: hold.on,
      since: hold.sinceMs === null ? null : isoTime(hold.sinceMs),
      reason: hold.reason,
      endsAt: hold.endsAtMs === null ? null : isoTime(hold.endsAtMs),
    },
    expiring,
  };
}

function policyRows({ versions, days, trashDays }: RetentionPolicy): string[][] {
  return [
    ['versions', `the newest ${versions} of each file, the current one counted`],
    ['days', `and all others for ${days} days after they stopped being current`],
    ['trash', `removed entries with all their versions for ${trashDays} days`],
  ];
}

function reportRows({ policy, pending, hold }: RetentionReport): string[][] {
  const rows = policyRows(policy);
  if (pending !== null) {
    const { versions, days, trashDays } = pending.policy;
    rows.push([
      'pending',
      `${versions} versions, ${days} days, ${trashDays} days of trash from ${formatTime(pending.fromMs)} on`,
    ]);
  }
  const why = hold.reason === '' ? '' : `: ${hold.reason}`;
  const until = hold.endsAtMs === null ? '' : ` until ${formatTime(hold.endsAtMs)}`;
  if (hold.on) rows.push(['hold', `nothing is dropped${until}${why}`]);
  return rows;
}

function pendingText({ policy, pending }: RetentionReport): string {
  const { versions, days, trashDays } = policy;
  const from = pending === null ? '' : formatTime(pending.fromMs);
  return (
    `what is shorter takes effect on ${from}; to cancel it until then: ` +
    `coffer policy set --versions ${versions} --days ${days} --trash-days ${trashDays}`
  );
}
