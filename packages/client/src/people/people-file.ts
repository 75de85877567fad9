import { AccountId, CofferError, decodeCbor, encodeCbor, Hash, idKey } from '@coffer/core';
import type { IdKey } from '@coffer/core';
import { z } from 'zod';
import { readPrivateFile, writePrivateFile } from '../profile/private-file.ts';

const Known = z.strictObject({
  account: AccountId,
  /** Canonical, as it was when the person was looked up. */
  username: z.string().min(1).max(64),
  fingerprint: Hash,
  /** The words were compared for this very fingerprint. */
  verified: z.boolean(),
});

/** What this device remembers of a person. */
export type KnownPerson = Readonly<z.infer<typeof Known>>;

const Stored = z.strictObject({ v: z.literal(1), people: z.array(Known).max(10_000) });

/** 10,000 people of about 130 bytes. */
const maxBytes = 4 * 2 ** 20;

/**
 * The people this device has dealt with, and with which keys: whoever has other keys later, or another name, is told from
 * them (CRYPTO §Keys *Trust between people*). Read anew at each question: other processes verify people too.
 */
export class PeopleFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws DAMAGED */
  byAccount(account: AccountId): KnownPerson | undefined {
    return this.#read().get(idKey(account));
  }

  /** Whom this device knew under a name last. @throws DAMAGED */
  byName(username: string): KnownPerson | undefined {
    return [...this.#read().values()].findLast((person) => person.username === username);
  }

  /** @throws DAMAGED, IO */
  save(person: KnownPerson): void {
    const people = this.#read();
    people.delete(idKey(person.account));
    people.set(idKey(person.account), person);
    writePrivateFile(this.#path, encodeCbor({ v: 1, people: [...people.values()] }));
  }

  #read(): Map<IdKey, KnownPerson> {
    const bytes = readPrivateFile(this.#path, maxBytes);
    if (bytes === undefined) return new Map();
    try {
      const { people } = Stored.parse(decodeCbor(bytes));
      return new Map(people.map((person) => [idKey(person.account), person]));
    } catch (cause) {
      throw new CofferError('DAMAGED', 'the memory of whom this device knows is damaged', {
        hint: `Move ${this.#path} away and compare the words again with the people you share with.`,
        cause,
      });
    }
  }
}
