import { wordRows } from '@coffer/client';
import type { OpenedReset, RequestDetails, ServerRequest } from '@coffer/client';
import { CofferError, equalBytes, idKey } from '@coffer/core';
import type { ActionId } from '../../keymap.ts';
import { fullTime } from '../../terminal/format.ts';
import type { AdminParts } from './admin-screen.ts';

/** Approves or rejects what somebody asked for, once a person has agreed to what that means. */
export async function decide(parts: AdminParts, action: ActionId, request: ServerRequest): Promise<void> {
  if (action === 'reject') await reject(parts, request);
  else if (request.kind === 'password-reset') await approveReset(parts, request);
  else await approveChange(parts, request);
  await parts.desk.refresh('requests');
}

/** Which one it is, in every question about it: lists change while somebody reads. */
function requestLine({ request, createdAtMs }: ServerRequest): string {
  return `Request ${idKey(request).slice(0, 12)}, asked ${fullTime(createdAtMs)}.`;
}

async function reject({ services }: AdminParts, asked: ServerRequest): Promise<void> {
  const { request, username } = asked;
  const { ui, account } = services;
  const reason = await ui.ask({
    title: `Reject what ${username} asked for: why?`,
    hint: `${requestLine(asked)} They are told; it may be empty.`,
    check: (text) => (text.length > maxReason ? `at most ${maxReason} characters` : undefined),
  });
  if (reason === undefined) return;
  const isDone = await ui.work('rejecting', (signal) =>
    account.server.accounts.rejectRequest({ request, reason }, signal),
  );
  if (isDone) ui.say(`rejected; nothing changes for ${username}`, 'good');
}

/** As the server takes it. */
const maxReason = 500;

async function approveChange({ services }: AdminParts, asked: ServerRequest): Promise<void> {
  const { request, username } = asked;
  const { ui, account } = services;
  const isAgreed = await ui.confirm({
    title: `A new password for ${username}`,
    lines: [
      `${username} chose a new password. Approved, it is in force at once, and other sessions of the account end.`,
      requestLine(asked),
      'Did they tell you that it was them?',
    ],
    yes: 'approve it',
  });
  if (!isAgreed) return;
  const approval = { request, sealed: null, verifiedInPerson: false };
  const isDone = await ui.work('approving', async (signal) => {
    await account.server.accounts.approveRequest(approval, signal);
  });
  if (isDone) ui.say(`the new password of ${username} is in force`, 'good');
}

/** The root key goes to the new device once its words were compared by voice (CRYPTO §Passwords that change or are lost). */
async function approveReset({ services }: AdminParts, asked: ServerRequest): Promise<void> {
  const { request, username } = asked;
  const { ui, account } = services;
  const { accounts } = account.server;
  let details: RequestDetails | undefined;
  await ui.work('asking for the request', async (signal) => {
    details = sameRequest(await accounts.showRequest(request, signal), asked);
  });
  const opened = details === undefined ? undefined : await open(services, details);
  if (opened === undefined || !(await sameWords(services, { asked, opened }))) return;
  const when = await ui.choose({ title: `When may ${username} choose a new password?`, choices: whenChoices });
  if (when === undefined) return;
  let activeAtMs: number | null = null;
  const approval = { request, sealed: opened.seal(), verifiedInPerson: when === 'at once' };
  const isDone = await ui.work('approving', async (signal) => {
    ({ activeAtMs } = await accounts.approveRequest(approval, signal));
  });
  const from = activeAtMs === null ? '' : ` from ${fullTime(activeAtMs)} on`;
  if (isDone) ui.say(`${username} can choose a new password${from}, on the same device`, 'good');
}

/** The server may answer about another account than the list named: what is approved is what was chosen, or nothing. */
function sameRequest(details: RequestDetails, asked: ServerRequest): RequestDetails {
  const isSame =
    equalBytes(details.request, asked.request) &&
    equalBytes(details.account, asked.account) &&
    details.username === asked.username &&
    details.kind === asked.kind;
  if (isSame) return details;
  throw new CofferError('INTEGRITY', 'the server answers about another request than the one in its list', {
    hint: 'Approve nothing before you know why.',
  });
}

const whenChoices = [
  { label: 'in a day', detail: 'until then their other devices can withdraw it', value: 'in a day' as const },
  { label: 'at once', detail: 'you have seen them in person', value: 'at once' as const },
];

async function open(
  { ui, administration }: AdminParts['services'],
  details: RequestDetails,
): Promise<OpenedReset | undefined> {
  let opened: OpenedReset | undefined;
  const askPassphrase = async (): Promise<string> => {
    const typed = await ui.ask({ title: 'Passphrase of the recovery key', isSecret: true });
    if (typed === undefined) throw new CofferError('CANCELLED', 'the passphrase was not typed');
    return typed;
  };
  await ui.work('opening the escrow', async () => {
    opened = await administration.openReset(details, askPassphrase);
  });
  return opened;
}

async function sameWords(
  { ui }: AdminParts['services'],
  { asked, opened }: { readonly asked: ServerRequest; readonly opened: OpenedReset },
): Promise<boolean> {
  const { words, warning, certifiedName } = opened;
  // Whom the keys belong to is the authority's to say, not the server's.
  const name = certifiedName ?? asked.username;
  return await ui.confirm({
    title: `A lost password of ${name}`,
    isLate: true,
    lines: [
      ...(warning === undefined ? [] : [warning]),
      // First, so that a small screen has them all.
      ...wordRows(words),
      `Call ${name}, whom you know, by voice. The new device shows these words.`,
      'Whoever holds that device gets all files of the account.',
      requestLine(asked),
    ],
    yes: `${name} read the same words to me`,
  });
}
