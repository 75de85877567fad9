import { auditCategories } from '@coffer/client';
import type { ServerAlert, ServerInvites, ServerSession } from '@coffer/client';
import type { LogWanted } from '../../services/server-log.ts';
import { usernameProblem } from '../../services/username-problem.ts';
import type { AdminParts } from './admin-screen.ts';

export async function endSession({ services, desk }: AdminParts, session: ServerSession): Promise<void> {
  const { ui, account } = services;
  const { username, deviceName, role } = session;
  const isAgreed = await ui.confirm({
    title: `End a session of ${username}`,
    lines: [
      `${deviceName} is cut off${role === 'bulk' ? ' in the middle of what it transfers, which goes on when it is back' : ''}.`,
      'It may come back at once: whoever shall not is suspended in Users (s), or their device revoked by them.',
    ],
    yes: 'end it',
  });
  if (!isAgreed) return;
  const isDone = await ui.work('ending the session', (signal) =>
    account.server.watch.endSession(session.session, signal),
  );
  if (isDone) ui.say(`ended; ${deviceName} may come back`, 'good');
  await desk.refresh('sessions');
}

export async function withdrawInvite(
  { services, desk }: AdminParts,
  { id, username }: ServerInvites['invites'][number],
): Promise<void> {
  const { ui, account } = services;
  const isAgreed = await ui.confirm({
    title: 'Withdraw an invite',
    lines: [`Nobody can register with it any more: ${username ?? 'for anybody who has it'}.`],
    yes: 'withdraw it',
  });
  if (!isAgreed) return;
  const isDone = await ui.work('withdrawing', (signal) => account.server.accounts.revokeInvite(id, signal));
  if (isDone) ui.say('nobody can use this invite any more', 'good');
  await desk.refresh('invites');
}

export async function acknowledge({ services, desk }: AdminParts, { id }: ServerAlert): Promise<void> {
  await services.ui.work('noting', (signal) => services.account.server.watch.acknowledge(id, signal));
  await desk.refresh('alerts');
}

/** Which lines of the log are shown. */
export async function askLogCategory({ services, log }: AdminParts): Promise<void> {
  const choices = [
    { label: 'all', value: { category: undefined } },
    ...auditCategories.map((category) => ({ label: category, value: { category } })),
  ];
  const chosen = await services.ui.choose<Pick<LogWanted, 'category'>>({
    title: 'Lines about what?',
    choices,
    canType: true,
  });
  if (chosen !== undefined) log.follow({ ...log.store.state.wanted, ...chosen });
}

export async function askLogAccount({ services, log }: AdminParts): Promise<void> {
  const { wanted } = log.store.state;
  const name = await services.ui.ask({
    title: 'Lines about whom?',
    initial: wanted.username ?? '',
    hint: 'a name; empty: everybody',
    check: (text) => (text.trim() === '' ? undefined : usernameProblem(text)),
  });
  if (name !== undefined) log.follow({ ...wanted, username: name.trim() === '' ? undefined : name.trim() });
}
