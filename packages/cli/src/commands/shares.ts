import { z } from 'zod';
import { parseInput } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { HomeSession } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { table } from '../output.ts';
import { displayPath } from '../vault-paths.ts';

/** One member of one share (CLI §Sharing). */
interface Shown {
  readonly path: string;
  readonly owner: string;
  readonly member: string;
  readonly kind: 'person' | 'team';
  readonly role: string;
  readonly state: 'active' | 'pending' | 'left';
}

export const run: Command = async (context, input) => {
  parseInput(input, { args: z.tuple([]), options: z.strictObject({}) });
  await using home = await openHome(context);
  await home.pulled();
  const { sharing } = home.account;
  await sharing.finishPending(context.signal);
  await sharing.workOff(context.signal);
  const all = [...(await outgoing(context, home)), ...(await incoming(context, home))];
  context.output.result({
    json: () => all,
    text: () => table(all.map(({ path, owner, member, role, state }) => [path, owner, member, role, state])),
  });
  return undefined;
};

async function outgoing({ signal }: CommandContext, { account }: HomeSession): Promise<Shown[]> {
  const shares = await account.sharing.outgoing(signal);
  return shares.map(({ names, member, role, state }) => ({
    path: displayPath(names),
    owner: account.info.username,
    member: member.username,
    kind: 'person',
    role,
    state,
  }));
}

async function incoming({ signal }: CommandContext, home: HomeSession): Promise<Shown[]> {
  const shares = await home.account.shared.list(signal);
  for (const { owner } of shares) home.warnOf(owner);
  return shares.map(({ ownerName, name, role }) => ({
    path: displayPath(['Shared', ownerName, name]),
    owner: ownerName,
    member: home.account.info.username,
    kind: 'person',
    role,
    state: 'active',
  }));
}
