import { z } from 'zod';
import { parseInput } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { Command } from '../context.ts';
import { exitCodeOf } from '../exit-codes.ts';
import { table } from '../output.ts';

export const run: Command = async (context, input) => {
  parseInput(input, { args: z.tuple([]), options: z.strictObject({}) });
  await using home = await openHome(context);
  const problem = await home.account.reachability(context.signal);
  const pulled = problem === undefined ? await home.vault.pull(context.signal) : undefined;
  const { username, server, deviceName } = home.account.info;
  const status = {
    server,
    reached: problem === undefined,
    problem:
      problem === undefined ? null : { code: problem.code, message: problem.message, hint: problem.hint ?? null },
    username,
    device: deviceName,
    seq: home.vault.head.seq,
    newCommits: pulled === undefined ? null : pulled.after - pulled.before,
  };
  context.output.result({
    json: () => status,
    text: () =>
      table([
        ['server', `${server}  ${problem === undefined ? 'reached' : problem.message}`],
        ['account', `${username} on ${deviceName}`],
        ['vault', `commit ${status.seq}${status.newCommits === null ? '' : `, ${status.newCommits} new`}`],
      ]),
  });
  return problem === undefined ? undefined : exitCodeOf(problem.code);
};
