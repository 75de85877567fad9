import { askNewPassword } from '../../services/new-password.ts';
import { usernameProblem } from '../../services/username-problem.ts';
import type { Services } from '../../services/services.ts';

/** Another password for the account; where the server wants it so, an administrator decides upon it first. */
export async function changePassword({ ui, account, newPasswords }: Services): Promise<void> {
  const current = await ui.ask({
    title: 'Your current password',
    isSecret: true,
    check: (text) => (text === '' ? 'the password is needed; if it is lost: coffer password reset-request' : undefined),
  });
  if (current === undefined) return;
  const password = await askNewPassword(ui, newPasswords, 'Another password for your account');
  if (password === undefined) return;
  let said = '';
  let hasEscrow = true;
  const isDone = await ui.work('changing the password', async (signal) => {
    const { inForce, escrow } = await account.credentials.changePassword({ current, next: password }, signal);
    hasEscrow = escrow;
    said = inForce
      ? 'the new password is in force; sessions of other devices have ended'
      : 'an administrator decides upon it; until then sign in with the old one';
  });
  if (!isDone) return;
  ui.say(said, 'good');
  if (hasEscrow) return;
  await ui.read({
    title: 'There is no recovery key for this password',
    lines: ['Without it the files of the account are lost: keep it where you find it again.'],
  });
}

/** Takes back what was asked about the password, by whomever. */
export async function withdrawRequests({ ui, account }: Services): Promise<void> {
  const isAgreed = await ui.confirm({
    title: 'Withdraw what was asked about your password',
    lines: [
      'Changes that wait, and resets that were approved and not finished, come to nothing.',
      'Do so when it was not you.',
    ],
    yes: 'withdraw it',
  });
  if (!isAgreed) return;
  let withdrawn = 0;
  const isDone = await ui.work('withdrawing', async (signal) => {
    withdrawn = await account.credentials.cancelRequests(signal);
  });
  if (isDone) ui.say(withdrawn === 0 ? 'nothing was waiting' : `withdrawn: ${withdrawn}`, 'good');
}

export async function changeUsername({ ui, account }: Services): Promise<void> {
  const { username } = account.info;
  const typed = await ui.ask({
    title: 'Another name for your account',
    initial: username,
    hint: 'others find you by it',
    check: usernameProblem,
  });
  const name = typed?.trim();
  if (name === undefined || name === username) return;
  const isAgreed = await ui.confirm({
    title: `From ${username} to ${name}`,
    lines: [
      `You sign in as ${name} from now on; ${username} is free for others.`,
      'Whoever shares with you sees the new name as unconfirmed until an administrator certifies it.',
    ],
    yes: 'change it',
  });
  if (!isAgreed) return;
  const isDone = await ui.work('changing the name', (signal) => account.credentials.rename(name, signal));
  if (isDone) ui.say(`you are ${name} from now on; this program shows it when it starts again`, 'good');
}
