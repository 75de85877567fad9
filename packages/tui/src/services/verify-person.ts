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
