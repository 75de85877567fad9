import type { Person } from '@coffer/client';
import { CofferError, toHex } from '@coffer/core';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { signedInAccount } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { confirm } from '../prompt.ts';
import { safeText } from '../safe-text.ts';
import { wordRows } from '@coffer/client';

const schemas = { args: z.tuple([Text]), options: z.strictObject({}) };

/** Both sides see the same words when each has the other's real keys; nothing is remembered before a person has said so. */
export const run: Command = async (context, input) => {
  const { args } = parseInput(input, schemas);
  await using account = await signedInAccount(context);
  const person = await account.people.find(args[0], context.signal);
  const words = account.people.words(person);
  const isVerified = await agreed(context, { person, words });
  if (isVerified) account.people.verify(person);
  const { username, fingerprint } = person;
  context.output.result({
    json: () => ({
      username,
      fingerprint: toHex(fingerprint),
      words,
      trust: isVerified ? 'verified' : person.trust,
    }),
    text: () => (isVerified ? `${safeText(username)} is verified on this device` : ''),
  });
  return undefined;
};

async function agreed(
  context: CommandContext,
  { person, words }: { readonly person: Person; readonly words: readonly string[] },
): Promise<boolean> {
  const name = safeText(person.username);
  if (person.trust === 'changed') context.output.warn(`the keys of ${name} are not those that this device knew`);
  context.output.note(
    `These words must be the same on the device of ${name}, who runs \`coffer verify-person\` with your name:\n`,
  );
  for (const line of wordRows(words)) context.output.note(line);
  if (context.globals.yes) return true;
  if (!context.streams.stdin.isTTY) {
    if (context.globals.json) return false;
    throw new CofferError('INVALID', 'there is nobody to say whether the words are the same', {
      hint: 'Run it on a terminal, or with --yes once you have compared them.',
    });
  }
  return confirm(context, `\nDid ${name} read the same words to you?`);
}
