import type { ServerAccount, ServerShare, ServerUser } from '@coffer/client';
import { CofferError, dayMs, formatSize, idKey, parseSize, toHex } from '@coffer/core';
import type { ActionId } from '../../keymap.ts';
import { fullTime } from '../../terminal/format.ts';
import { shown } from '../../terminal/text.ts';
import { limitText } from './admin-rows.ts';
import type { AdminParts } from './admin-screen.ts';

/** What is done with an account: each change says what it means first. */
export async function changeUser(parts: AdminParts, action: ActionId, user: ServerUser): Promise<void> {
  if (action === 'userQuota') await setQuota(parts, user);
  else if (action === 'userState') await setState(parts, user);
  else if (action === 'userRole') await setRole(parts, user);
  else if (action === 'userRemove') await remove(parts, user);
}

/** Everything about an account, its devices and vaults. */
export async function showUser({ services }: AdminParts, { username }: ServerUser): Promise<void> {
  const { ui, account } = services;
  const lines: string[] = [];
  const isDone = await ui.work(`asking about ${username}`, async (signal) => {
    lines.push(...accountLines(await account.server.accounts.show(username, signal)));
    const shares = await account.server.watch.shares(username, signal);
    if (shares.length > 0) lines.push('', ...shares.map(shareLine));
  });
  if (isDone) await ui.read({ title: username, lines });
}

const validMs = 7 * dayMs;

/** Makes an invite and shows it once; the server knows its hash alone. */
export async function invite({ services, desk }: AdminParts): Promise<void> {
  const { ui, account, administration, local } = services;
  const name = await ui.ask({
    title: 'Invite whom?',
    hint: 'the name of the new account; empty: its holder chooses one',
  });
  if (name === undefined) return;
  const username = name.trim() === '' ? undefined : name.trim();
  const role = await ui.choose({ title: 'As what?', choices: roles });
  if (role === undefined) return;
  const quotaBytes = await askLimit(services, { title: 'How much may it store?', initial: 'no limit' });
  if (quotaBytes === undefined) return;
  if (role === 'admin' && !(await ui.confirm(adminInvitePlan(username)))) return;
  const { text, tokenHash } = administration.newInvite(username);
  let expiresAtMs = 0;
  const isDone = await ui.work('making an invite', async (signal) => {
    const asked = { tokenHash, username: username ?? null, role, quotaBytes: quotaBytes.bytes, validMs };
    ({ expiresAtMs } = await account.server.accounts.invite(asked, signal));
  });
  if (!isDone) return;
  void desk.refresh('invites');
  const named = username === undefined ? undefined : shown(username);
  await ui.suspend(() => local.print(inviteText(text, { username: named, expiresAtMs })));
}

const roles = [
  { label: 'user', detail: 'a vault of their own', value: 'user' as const },
  { label: 'administrator', detail: 'may do everything that you may', value: 'admin' as const },
];

function adminInvitePlan(username: string | undefined): Parameters<AdminParts['services']['ui']['confirm']>[0] {
  return {
    title: 'Invite an administrator',
    lines: [
      `${username ?? 'Whoever has the invite'} may do everything here that you may: see all accounts, remove them, decide upon requests.`,
      'They can read nobody’s files.',
    ],
    yes: 'make the invite',
  };
}

function inviteText(
  text: string,
  { username, expiresAtMs }: { readonly username: string | undefined; readonly expiresAtMs: number },
): string {
  const who = username === undefined ? 'one account of any name' : `the account ${username}`;
  return [
    '',
    text,
    '',
    `Good for ${who} until ${fullTime(expiresAtMs)}. It is shown only now. Whoever has it can register:`,
    'coffer (and paste it), or coffer register INVITE',
  ].join('\n');
}

async function setQuota(
  { services, desk }: AdminParts,
  { username, quotaBytes, storedBytes }: ServerUser,
): Promise<void> {
  const { ui, account } = services;
  const wanted = await askLimit(services, {
    title: `How much may ${username} store? Now ${formatSize(storedBytes)} of ${limitText(quotaBytes)}`,
    initial: limitText(quotaBytes),
  });
  if (wanted === undefined) return;
  const { bytes } = wanted;
  const isBelow = bytes !== null && bytes < storedBytes;
  const isAgreed = await ui.confirm({
    title: `Quota of ${username}`,
    lines: [
      `Until now: ${limitText(quotaBytes)}. From now on: ${limitText(bytes)}.`,
      isBelow
        ? 'It stores more than that already: nothing is removed, and nothing more can be stored.'
        : 'It is in force at once.',
    ],
    yes: 'set it',
  });
  if (!isAgreed) return;
  const isDone = await ui.work('setting the quota', (signal) =>
    account.server.setQuota({ username, quotaBytes: bytes, largestFileBytes: 'keep' }, signal),
  );
  if (isDone)
    ui.say(`${username} may store ${bytes === null ? 'without a limit' : formatSize(bytes)} from now on`, 'good');
  await desk.refresh('users');
}

/** A size that was typed; undefined when the person left. */
async function askLimit(
  { ui }: Pick<AdminParts['services'], 'ui'>,
  question: { readonly title: string; readonly initial: string },
): Promise<{ readonly bytes: number | null } | undefined> {
  const typed = await ui.ask({
    ...question,
    hint: 'like 10 GiB; "no limit" lifts it',
    check: (text) => (limitOf(text) === undefined ? 'a size like 10GiB, or no limit' : undefined),
  });
  return typed === undefined ? undefined : limitOf(typed);
}

function limitOf(text: string): { readonly bytes: number | null } | undefined {
  const trimmed = text.trim().toLowerCase();
  if (trimmed === '' || trimmed === 'no limit' || trimmed === 'none') return { bytes: null };
  try {
    return { bytes: parseSize(text.trim()) };
  } catch (error) {
    if (error instanceof CofferError) return undefined;
    throw error;
  }
}

async function setState({ services, desk }: AdminParts, { username, state }: ServerUser): Promise<void> {
  const { ui, account } = services;
  const isActive = state === 'active';
  const isAgreed = await ui.confirm({
    title: isActive ? `Suspend ${username}` : `Resume ${username}`,
    lines: isActive
      ? [
          ...ownLines(services, username),
          'Every session ends now, and no login works until it is resumed.',
          'Nothing is removed; people it shares with go on.',
        ]
      : ['It may sign in again; nothing was lost.'],
    yes: isActive ? 'suspend it' : 'resume it',
  });
  if (!isAgreed) return;
  const next = isActive ? 'suspended' : 'active';
  const isDone = await ui.work(isActive ? 'suspending' : 'resuming', (signal) =>
    account.server.accounts.setState({ username, state: next }, signal),
  );
  if (isDone) ui.say(isActive ? `${username} is suspended` : `${username} may sign in again`, 'good');
  await desk.refresh('users');
}

async function setRole({ services, desk }: AdminParts, { username, role }: ServerUser): Promise<void> {
  const { ui, account } = services;
  const isAdmin = role === 'admin';
  const isAgreed = await ui.confirm({
    title: isAdmin ? `${username} is no administrator any more` : `${username} becomes an administrator`,
    lines: isAdmin
      ? [...ownLines(services, username), 'It may look after nothing here any more; its unused invites go.']
      : [
          'It may do everything here that you may: see all accounts, remove them, decide upon requests.',
          'It can read nobody’s files.',
        ],
    yes: isAdmin ? 'take the role away' : 'give it the role',
  });
  if (!isAgreed) return;
  const isDone = await ui.work('changing the role', (signal) =>
    account.server.accounts.setRole({ username, role: isAdmin ? 'user' : 'admin' }, signal),
  );
  if (isDone) ui.say(`${username} is ${isAdmin ? 'no administrator' : 'an administrator'} from now on`, 'good');
  await desk.refresh('users');
}

/** Nothing is removed before what goes with it was said, and the name typed. */
async function remove({ services, desk }: AdminParts, { username }: ServerUser): Promise<void> {
  const { ui, account } = services;
  const { accounts } = account.server;
  let doomed: ServerAccount | undefined;
  await ui.work(`asking about ${username}`, async (signal) => {
    doomed = await accounts.show(username, signal);
  });
  if (doomed === undefined) return;
  const { storedBytes, vaults, devices } = doomed;
  const isAgreed = await ui.confirm({
    title: `Remove ${username} for good`,
    lines: [
      ...ownLines(services, username),
      `Its password record and sealed keys are deleted: its ${formatSize(storedBytes)} can never be read again, but by a device that still has the keys.`,
      `It has ${vaults.owned} vaults; ${vaults.shared} of them are shared with others, who lose them. Devices: ${devices.filter(({ revoked }) => !revoked).length}.`,
      'To stop it for a time instead: s suspends it.',
    ],
    yes: 'remove it for good',
    word: username,
  });
  if (!isAgreed) return;
  const isDone = await ui.work(`removing ${username}`, (signal) => accounts.remove(username, signal));
  if (isDone) ui.say(`${username} is removed; the name is free`, 'good');
  await desk.refresh('users');
}

/** Who does it to their own account has nobody left to undo it. */
function ownLines({ account }: AdminParts['services'], username: string): string[] {
  return account.info.username === username ? ['THIS IS YOUR OWN ACCOUNT: it ends your work here.'] : [];
}

function shareLine({ vault, kind, member, username, role }: ServerShare): string {
  const name = username ?? (kind === 'team' ? `team ${shortId(member)}` : `${shortId(member)}, removed`);
  return `vault ${shortId(vault)} is shared with ${name}: ${role}`;
}

/** Enough to find it in the log. */
function shortId(id: Uint8Array): string {
  return idKey(id).slice(0, 8);
}

function accountLines(user: ServerAccount): string[] {
  const { role, state, mustChange, storedBytes, quotaBytes, contact, folder, createdAtMs, vaults } = user;
  return [
    `${role === 'admin' ? 'administrator' : 'user'}, ${state}${mustChange ? ', with the password that an administrator chose' : ''}`,
    `stores ${formatSize(storedBytes)}, may store ${limitText(quotaBytes)}`,
    ...(contact === '' ? [] : [`contact ${contact}`]),
    ...(folder === '' ? [] : [`folder ${folder}`]),
    `made ${fullTime(createdAtMs)}`,
    `keys ${toHex(user.fingerprint).slice(0, 16)}${user.certified ? ', certified' : ', not certified'}`,
    `vaults ${vaults.owned} owned, ${vaults.shared} of them shared with others; ${vaults.received} of others`,
    '',
    ...(user.devices.length === 0 ? ['no devices yet'] : user.devices.map(deviceLine)),
  ];
}

function deviceLine({ name, scope, revoked, lastSeenMs }: ServerAccount['devices'][number]): string {
  const kind = `${scope === 'worker' ? 'unattended' : 'full'}${revoked ? ', revoked' : ''}`;
  return `device ${name}: ${kind}, ${lastSeenMs === null ? 'never seen' : `last seen ${fullTime(lastSeenMs)}`}`;
}
