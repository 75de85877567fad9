import type { ServerAlert } from './server-watch.ts';

/** One sentence for a person. Everything in it is the server's word, which whoever shows it makes safe for a terminal. */
export function alertText({ kind, username, address, word, figure, account }: ServerAlert): string {
  const from = address === null ? '' : ` from ${address}`;
  const who = username ?? (account === null ? 'nobody that is known' : 'an account that is gone');
  return {
    'failed-logins':
      word === 'by-address'
        ? `failed logins${from}: ${figure ?? '?'}, with several names`
        : `failed logins as ${username ?? 'a name that nobody has'}${from}: ${figure ?? '?'}`,
    denied: `${who} asked for ${word ?? 'what is an administrator’s'}${from} and was denied`,
    'audit-changed': `the audit log ${word ?? ''} was changed while the server was down; see \`coffer admin verify-audit\``,
    'task-failed': `${word ?? 'a scheduled task'} failed; see \`coffer admin status\``,
    damage: `a scrub found ${figure ?? '?'} damaged records; see \`coffer admin status\``,
  }[kind];
}

/** The same with how often it happened, where that was more than once. */
export function countedAlertText(alert: ServerAlert): string {
  return alert.times > 1 ? `${alertText(alert)} (${alert.times} times)` : alertText(alert);
}
