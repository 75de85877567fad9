import { displayName, formatPath } from '@coffer/client';
import type { Entry, EntryName, Person, ShareMember } from '@coffer/client';
import { count } from '../terminal/format.ts';
import type { Services } from './services.ts';
import { findMember, madeSure } from './verify-person.ts';

type Parts = Pick<Services, 'ui' | 'account' | 'vault' | 'shares'>;
type Role = ShareMember['role'];

export interface ToShare {
  readonly entry: Entry;
  readonly names: readonly EntryName[];
  /** Who stands in the field at first. */
  readonly whom?: string;
}

/** Asks with whom and how, compares words with somebody who is not made sure of, says what will happen, and shares. */
export async function shareEntry(parts: Parts, { entry, names, whom = '' }: ToShare): Promise<void> {
  const { ui } = parts;
  const path = formatPath(names);
  const name = await ui.ask({
    title: `Share ${path} with whom?`,
    initial: whom,
    hint: 'the name of somebody at this server, or team:NAME',
    check: (text) => (text.trim() === '' ? 'a name is needed' : undefined),
  });
  if (name === undefined) return;
  const role = await ui.choose({ title: `What may ${name} do?`, choices: roleChoices });
  if (role === undefined) return;
  const found = await findMember(parts, name.trim());
  const person = found && (await madeSure(parts, found));
  if (person === undefined) return;
  if (!(await agrees(parts, { entry, path, person, role }))) return;
  await share(parts, { entry, person, role });
}

/** Gives a member another role; words are compared first where keys are not made sure of. */
export async function changeRole(
  parts: Parts,
  {
    mount,
    names,
    member,
    role,
  }: { readonly mount: Entry; readonly names: readonly EntryName[]; readonly member: Person; readonly role: Role },
): Promise<void> {
  const wanted = role === 'read' ? 'write' : 'read';
  const person = await madeSure(parts, member);
  if (person === undefined) return;
  const isAgreed = await parts.ui.confirm({
    title: `Another role for ${member.username}`,
    lines: [
      `In ${formatPath(names)} ${member.username} ${roleWords[wanted]} from now on; until now: ${roleWords[role]}.`,
    ],
    yes: `${member.username} ${roleWords[wanted]}`,
  });
  if (isAgreed) await share(parts, { entry: mount, person, role: wanted });
}

export const roleWords: Readonly<Record<Role, string>> = { read: 'may read it', write: 'may change it' };

const roleChoices: readonly { readonly label: string; readonly detail: string; readonly value: Role }[] = [
  { label: 'read', detail: 'look at it and copy it', value: 'read' },
  { label: 'write', detail: 'change, add and remove as well', value: 'write' },
];

async function share(
  { ui, shares }: Parts,
  { entry, person, role }: { readonly entry: Entry; readonly person: Person; readonly role: Role },
): Promise<void> {
  const isDone = await ui.work(`sharing ${displayName(entry.name)}`, (signal) =>
    shares.share({ entry, person, role }, signal),
  );
  if (isDone) ui.say(`${displayName(entry.name)}: ${person.username} ${roleWords[role]}`, 'good');
}

async function agrees(
  { ui, account, vault }: Parts,
  {
    entry,
    path,
    person,
    role,
  }: { readonly entry: Entry; readonly path: string; readonly person: Person; readonly role: Role },
): Promise<boolean> {
  const found = `They find it under /Shared/${account.info.username}.`;
  const below = [...vault.tree.walk(entry.entry)].filter((one) => one.entry.kind === 'file').length;
  const what = entry.kind === 'mount' ? 'It is shared already: one person more.' : `In all: ${count(below, 'file')}.`;
  return await ui.confirm({
    title: `Share ${path}`,
    lines: [
      `${person.username} ${roleWords[role]}. ${found}`,
      what,
      'It can be taken back; what was copied until then stays with them.',
    ],
    yes: 'share it',
  });
}
