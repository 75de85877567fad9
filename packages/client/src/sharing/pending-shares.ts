import { AccountId, CofferError, decodeCbor, encodeCbor, EntryId, equalBytes, VaultId } from '@coffer/core';
import { z } from 'zod';
import { readPrivateFile, writePrivateFile } from '../profile/private-file.ts';

const Pending = z.strictObject({
  entry: EntryId,
  vault: VaultId,
  /** Account or team that it is to be shared with. */
  member: z.union([AccountId, VaultId]),
  role: z.enum(['read', 'write']),
});

/** A share that was begun: its vault exists, and is filled, mounted and opened to the member in this order. */
export type PendingShare = Readonly<z.infer<typeof Pending>>;

const Stored = z.strictObject({ v: z.literal(1), shares: z.array(Pending).max(1000) });

const maxBytes = 256 * 1024;

/** What this device has begun to share and not finished: written before the vault is made, so that a crash leaves nothing behind. */
export class PendingShares {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws DAMAGED */
  list(): readonly PendingShare[] {
    const bytes = readPrivateFile(this.#path, maxBytes);
    if (bytes === undefined) return [];
    try {
      return Stored.parse(decodeCbor(bytes)).shares;
    } catch (cause) {
      throw new CofferError('DAMAGED', 'the list of shares under way is damaged', {
        hint: `Move ${this.#path} away and share again: what is in the vault is not touched.`,
        cause,
      });
    }
  }

  /** @throws IO */
  add(share: PendingShare): void {
    this.#write([...this.list().filter(({ vault }) => !equalBytes(vault, share.vault)), share]);
  }

  /** @throws IO */
  remove(vault: VaultId): void {
    const shares = this.list();
    const left = shares.filter((share) => !equalBytes(share.vault, vault));
    if (left.length < shares.length) this.#write(left);
  }

  #write(shares: readonly PendingShare[]): void {
    writePrivateFile(this.#path, encodeCbor({ v: 1, shares }));
  }
}
