import { CofferError, decodeCbor, encodeCbor, equalBytes, VaultId } from '@coffer/core';
import { z } from 'zod';
import { readPrivateFile, writePrivateFile } from '../profile/private-file.ts';

/** Names that a device remembers; an account is in far fewer teams. Later ones push the oldest out. */
const maxNames = 1000;

const Stored = z.strictObject({
  v: z.literal(1),
  names: z.array(z.strictObject({ name: z.string().min(1).max(64), team: VaultId })).max(maxNames),
});

type Named = z.infer<typeof Stored>['names'][number];

/** A name takes up to 256 bytes. */
const maxBytes = 512 * 1024;

/**
 * Which teams this device has seen under which name. Anybody may make a team of any name and take others in, and a server may leave
 * one out of its list: a name that means one team today must not mean another one tomorrow.
 */
export class TeamNames {
  readonly #path: string;
  #names: readonly Named[] | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** True when another team of that name was seen as well. @throws DAMAGED */
  isShared(name: string, team: VaultId): boolean {
    return this.#all().some((one) => one.name === name && !equalBytes(one.team, team));
  }

  /** @throws DAMAGED, IO */
  see(name: string, team: VaultId): void {
    const isKnown = (all: readonly Named[]): boolean =>
      all.some((one) => one.name === name && equalBytes(one.team, team));
    if (isKnown(this.#all())) return;
    // Another process of the profile may have seen more.
    this.#names = undefined;
    if (!isKnown(this.#all())) this.#write([...this.#all(), { name, team }].slice(-maxNames));
  }

  /** The account has given the team up: its name is free again. @throws DAMAGED, IO */
  forget(team: VaultId): void {
    this.#names = undefined;
    const left = this.#all().filter((one) => !equalBytes(one.team, team));
    if (left.length < this.#all().length) this.#write(left);
  }

  #all(): readonly Named[] {
    return (this.#names ??= readStored(this.#path));
  }

  #write(names: readonly Named[]): void {
    writePrivateFile(this.#path, encodeCbor({ v: 1, names }));
    this.#names = names;
  }
}

function readStored(path: string): readonly Named[] {
  const bytes = readPrivateFile(path, maxBytes);
  if (bytes === undefined) return [];
  try {
    return Stored.parse(decodeCbor(bytes)).names;
  } catch (cause) {
    throw new CofferError('DAMAGED', 'the list of names of teams is damaged', {
      hint: `Move ${path} away; then name teams by their ids, NAME~ID, until you have seen them again.`,
      cause,
    });
  }
}
