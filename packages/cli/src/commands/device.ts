import { lostTeamText, revokeOwn } from '@coffer/client';
import type { OwnDevice, RevokeOwnReport } from '@coffer/client';
import { CofferError, idKey } from '@coffer/core';
import { z } from 'zod';
import { parseInput } from '../arguments.ts';
import { openProfile, signedInAccount } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { isoTime } from '../entry-view.ts';
import { table } from '../output.ts';
import { confirm, readPassword } from '../prompt.ts';
import { safeText } from '../safe-text.ts';
import { formatTime } from '../time.ts';

const schemas = {
  args: z.tuple([z.enum(['list', 'revoke']).default('list'), z.string().min(1).max(64).optional()]),
  options: z.strictObject({}),
};

export const run: Command = async (context, input) => {
  const [action, name] = parseInput(input, schemas).args;
  if ((action === 'revoke') !== (name !== undefined)) throw usage();
  // Asked once, for all that the command opens.
  let asked: Promise<string> | undefined;
  const password = (): Promise<string> => (asked ??= readPassword(context, { prompt: 'Password: ', fromStdin: false }));
  const devices = await listed(context, password);
  if (name === undefined) return list(context, devices);
  return await revoke(context, { device: named(devices, name), password });
};

async function listed(context: CommandContext, password: () => Promise<string>): Promise<readonly OwnDevice[]> {
  await using account = await signedInAccount(context, { unlock: password });
  return await account.ownDevices.list(context.signal);
}

function list(context: CommandContext, devices: readonly OwnDevice[]): undefined {
  context.output.result({
    json: () =>
      devices.map((one) => ({
        name: one.name,
        device: idKey(one.device),
        kind: one.scope,
        current: one.current,
        revoked: one.revoked,
        enrolledAt: isoTime(one.enrolledAtMs),
        lastSeenAt: one.lastSeenMs === null ? null : isoTime(one.lastSeenMs),
      })),
    text: () =>
      table([
        ['name', 'id', 'kind', 'enrolled', 'last seen'],
        ...devices.map((one) => [
          one.name,
          idKey(one.device).slice(0, 8),
          one.scope === 'worker' ? 'unattended' : 'full',
          formatTime(one.enrolledAtMs),
          one.revoked ? 'revoked' : one.current ? 'this device' : seenText(one),
        ]),
      ]),
  });
  return undefined;
}

function seenText({ lastSeenMs }: OwnDevice): string {
  return lastSeenMs === null ? 'never' : formatTime(lastSeenMs);
}

/** By its name, or by the first eight digits of its id and more. @throws NOT_FOUND, INVALID when several have the name */
function named(devices: readonly OwnDevice[], name: string): OwnDevice {
  const byId = devices.filter(({ device }) => name.length >= 8 && idKey(device).startsWith(name.toLowerCase()));
  const byName = devices.filter((one) => one.name === name);
  const active = byName.filter(({ revoked }) => !revoked);
  const found = byId.length > 0 ? byId : active.length > 0 ? active : byName;
  const [first, ...more] = found;
  if (first === undefined)
    throw new CofferError('NOT_FOUND', 'the account has no device of that name', { hint: 'See `coffer device`.' });
  if (more.length === 0) return first;
  throw new CofferError('INVALID', `${found.length} devices have that name`, {
    hint: 'Name one by its id; see `coffer device`.',
  });
}

async function revoke(
  context: CommandContext,
  { device, password }: { readonly device: OwnDevice; readonly password: () => Promise<string> },
): Promise<undefined> {
  const { output, signal } = context;
  if (device.scope === 'full' && !device.revoked) await confirmRotation(context, device);
  const report = await revokeOwn(
    {
      profile: openProfile(context),
      device: device.device,
      password,
      onStep: (step) =>
        output.note(step === 'keys' ? 'changing the keys of the account' : 'changing the keys of vaults'),
    },
    signal,
  );
  output.result({
    json: () => ({ name: device.name, device: idKey(device.device), ...report }),
    text: () => safeText(reportText(device.name, report)),
  });
  return undefined;
}

async function confirmRotation(context: CommandContext, { name }: OwnDevice): Promise<void> {
  const text = `${name} holds the keys of the account. They are changed with it: your other devices ask for the password once, unattended ones have to log in again to read what is new, and people you share with have to compare words with you again, or the administrator to certify you.`;
  context.output.note(safeText(text));
  if (await confirm(context, safeText(`Revoke ${name}?`))) return;
  throw new CofferError('CANCELLED', 'nothing was changed', { hint: 'Pass --yes to go on without a question.' });
}

function reportText(name: string, { rotated, vaults, wasRevoked, lostTeams }: RevokeOwnReport): string {
  const first = wasRevoked ? `${name} was revoked before` : `${name} is revoked`;
  const keys = rotated ? '; the account has new keys' : '';
  const rest = vaults === 0 ? '' : `; ${vaults === 1 ? 'one vault has a new key' : `${vaults} vaults have new keys`}`;
  return [`${first}${keys}${rest}`, ...lostTeams.map(lostTeamText)].join('\n');
}

function usage(): CofferError {
  return new CofferError('INVALID', 'say which device', { hint: 'coffer device, or coffer device revoke NAME' });
}
