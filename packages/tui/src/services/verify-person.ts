import { wordRows } from '@coffer/client';
import type { Person } from '@coffer/client';
import type { Services } from './services.ts';

type Parts = Pick<Services, 'ui' | 'account'>;

/** Somebody by name; undefined when there is nobody, which was said. */
export async function findPerson({ ui, account }: Parts, name: string): Promise<Person | undefined> {
  let person: Person | undefined;
  await ui.work(`looking for ${name}`, async (signal) => {
    person = await account.people.find(name, signal);
  });
  return person;
}

/** The same of whom something can be shared with: a person, or a team as `team:NAME`. */
export async function findMember({ ui, account }: Parts, name: string): Promise<Person | undefined> {
  let member: Person | undefined;
  await ui.work(`looking for ${name}`, async (signal) => {
    member = await account.sharing.find(name, signal);
  });
  return member;
}

/**
 * Somebody whose keys are made sure of, by comparing words where nobody vouches for them yet: for a team with who manages it.
 * Undefined when they are not.
 */
export async function madeSure(parts: Parts, person: Person): Promise<Person | undefined> {
  if (person.trust === 'certified' || person.trust === 'verified') return person;
  const { voucher } = person;
  // Keys that were compared just now are believed from here on.
  if (voucher === undefined) return (await comparedWords(parts, person)) ? { ...person, trust: 'verified' } : undefined;
  const owner = await findPerson(parts, voucher);
  const isCompared = owner !== undefined && (await comparedWords(parts, owner));
  return isCompared ? await findMember(parts, person.username) : undefined;
}

/** Twelve words that both sides compare by voice; true when a person has said that they are the same. */
export async function comparedWords({ ui, account }: Parts, person: Person): Promise<boolean> {
  const { username, trust } = person;
  const isAgreed = await ui.confirm({
    title: `Is it really ${username}?`,
    lines: [
      ...(trust === 'changed' ? [`The keys of ${username} are not those that this device knew.`] : []),
      // First, so that a small screen has them all.
      ...wordRows(account.people.words(person)),
      `Call ${username}. These words must be the same there (Sharing, w; or \`coffer verify-person\` with your name).`,
      'Other words mean that somebody is in between: then leave it.',
    ],
    yes: 'the words are the same',
  });
  if (isAgreed) account.people.verify(person);
  return isAgreed;
}
