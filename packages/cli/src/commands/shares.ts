import type { Account, ShareState } from '@coffer/client';
import { idKey, isCofferError } from '@coffer/core';
import type { CofferError, VaultId } from '@coffer/core';
import { z } from 'zod';
import { parseInput } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { HomeSession } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { table } from '../output.ts';
import { safeText } from '../safe-text.ts';
import { displayPath } from '../vault-paths.ts';

/** One member of one share (CLI §Sharing). */
interface Shown {
  readonly path: string;
  readonly owner: string;
  readonly member: string;
  readonly kind: 'person' | 'team';
  readonly role: string;
  readonly state: ShareState;
  /** Of the vault. */
  readonly id: string;
}

export const run: Command = async (context, input) => {
  parseInput(input, { args: z.tuple([]), options: z.strictObject({}) });
  await using home = await openHome(context);
  await home.pulled();
  const { sharing } = home.account;
  // What cannot be finished hides nothing of what there is.
  const problem = await finished(sharing, context.signal);
  const all = [...(await outgoing(context, home)), ...(await incoming(context, home))];
  context.output.result({
    json: () => all,
    text: () =>
      table(
        all.map(({ path, owner, member, kind, role, state, id }) => [
          path,
          owner,
          kind === 'team' ? `team:${member}` : member,
          role,
          state,
          id.slice(0, 8),
        ]),
      ),
  });
  for (const { path, member, state } of all) {
    if (state !== 'unconfirmed') continue;
    const again = `coffer verify-person ${member}, then coffer share ${path} ${member} anew`;
    context.output.warn(
      safeText(`${member} has new keys and gets nothing further of ${path}: compare words with ${again}`),
    );
  }
  if (problem !== undefined) throw problem;
  return undefined;
};

async function finished(sharing: Account['sharing'], signal: AbortSignal): Promise<CofferError | undefined> {
  try {
    await sharing.finishPending(signal);
    await sharing.workOff(signal);
    return undefined;
  } catch (error) {
    if (!isCofferError(error)) throw error;
    return error;
  }
}

async function outgoing({ signal, output }: CommandContext, { account }: HomeSession): Promise<Shown[]> {
  const shares = await account.sharing.outgoing(signal);
  for (const { names, member, state } of shares) {
    const { username, voucher, trust } = member;
    if (state !== 'pending' || voucher === undefined || trust === 'certified' || trust === 'verified') continue;
    const how = `compare words with coffer verify-person ${voucher}, who manages it, and run this again`;
    output.warn(safeText(`${username} has a new key and gets nothing further of ${displayPath(names)}: ${how}`));
  }
  return shares.map(({ names, mount, member, role, state }) => ({
    id: idKey(mount.target as VaultId),
    path: displayPath(names),
    owner: account.info.username,
    member: member.username.replace(/^team:/, ''),
    kind: member.account.byteLength === 32 ? 'team' : 'person',
    role,
    state,
  }));
}

async function incoming({ signal }: CommandContext, home: HomeSession): Promise<Shown[]> {
  const shares = await home.account.shared.list(signal);
  for (const { owner } of shares) home.warnOf(owner);
  return shares.flatMap((share): Shown[] => {
    const { vault, ownerName, name, role } = share;
    const shown = { path: displayPath(['Shared', ownerName, name]), owner: ownerName, id: idKey(vault.id) };
    const { account } = home;
    const through = account.teams
      .through(vault)
      .map((team): Shown => ({ ...shown, member: team.name, kind: 'team', role: team.role, state: team.state }));
    if (through.length > 0 && vault.state?.members.has(idKey(account.info.account)) !== true) return through;
    return [{ ...shown, member: account.info.username, kind: 'person', role, state: 'active' }, ...through];
  });
}
