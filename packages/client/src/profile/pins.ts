import { CofferError, decodeCbor, encodeCbor, Hash, idKey } from '@coffer/core';
import type { IdKey, VaultId } from '@coffer/core';
import { z } from 'zod';
import type { VaultPin } from '../state/vault-journal.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

const Stored = z.strictObject({
  v: z.literal(1),
  generation: z.int().min(0),
  vaults: z.record(
    z.string().regex(/^[0-9a-f]{64}$/),
    z.strictObject({ seq: z.int().min(1), hash: Hash, epoch: z.int().min(0) }),
  ),
});

/** One vault takes about 130 bytes; an account has thousands at most. */
const maxBytes = 4 * 2 ** 20;

/**
 * What this device has seen of the server (JOURNAL §Fold): newer than this it may show, older or other never. In a file of its own,
 * so that throwing the tables away forgets nothing.
 */
export class Pins {
  readonly #path: string;
  #generation: number;
  readonly #vaults: Map<IdKey, VaultPin>;

  private constructor(path: string, stored: z.infer<typeof Stored> | undefined) {
    this.#path = path;
    this.#generation = stored?.generation ?? 0;
    this.#vaults = new Map(Object.entries(stored?.vaults ?? {}));
  }

  /** @throws DAMAGED */
  static open(path: string): Pins {
    return new Pins(path, readStored(path));
  }

  get generation(): number {
    return this.#generation;
  }

  /** Of the server, which counts restores. @throws ROLLBACK when it is lower than one seen before */
  seeGeneration(generation: number): void {
    if (generation < this.#generation) {
      throw new CofferError('ROLLBACK', 'the server has gone back to an older generation of its storage', {
        hint: 'It was replaced by an old copy. Ask its administrator before you go on.',
        details: { generation, seen: this.#generation },
      });
    }
    if (generation === this.#generation) return;
    this.#generation = generation;
    this.#write();
  }

  of(vault: VaultId): VaultPin | undefined {
    return this.#vaults.get(idKey(vault));
  }

  /** Only ever forward: another process may have seen more. */
  see(vault: VaultId, pin: VaultPin): void {
    const key = idKey(vault);
    if (pin.seq <= (this.#vaults.get(key)?.seq ?? 0)) return;
    this.#vaults.set(key, pin);
    this.#write();
  }

  #write(): void {
    const before = readStored(this.#path);
    this.#generation = Math.max(this.#generation, before?.generation ?? 0);
    for (const [key, pin] of Object.entries(before?.vaults ?? {})) {
      if (pin.seq > (this.#vaults.get(key)?.seq ?? 0)) this.#vaults.set(key, pin);
    }
    const stored = { v: 1, generation: this.#generation, vaults: Object.fromEntries(this.#vaults) };
    writePrivateFile(this.#path, encodeCbor(stored));
  }
}

function readStored(path: string): z.infer<typeof Stored> | undefined {
  const bytes = readPrivateFile(path, maxBytes);
  if (bytes === undefined) return undefined;
  try {
    return Stored.parse(decodeCbor(bytes));
  } catch (cause) {
    throw new CofferError('DAMAGED', 'the memory of what the server showed before is damaged', {
      hint: `Move ${path} away only if you trust the server; it is written anew.`,
      cause,
    });
  }
}
