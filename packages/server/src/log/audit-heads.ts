import { decodeCbor, encodeCbor } from '@coffer/core';
import type { Accounts } from '@coffer/storage';
import { z } from 'zod';
import { auditCategories, type AuditCategory } from './audit.ts';
import type { ChainPlace } from './audit-line.ts';

/** Where the chain of a category ends, and where what is kept of it begins. */
export interface AuditHead extends ChainPlace {
  /** The first line that is kept; those before were removed as too old. */
  readonly firstSeq: number;
}
export type AuditHeads = ReadonlyMap<AuditCategory, AuditHead>;

const Seq = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const Hex = z.string().regex(/^[0-9a-f]{64}$/);
const Stored = z.strictObject({
  v: z.literal(1),
  heads: z.partialRecord(z.enum(auditCategories), z.strictObject({ seq: Seq, hash: Hex, firstSeq: Seq })),
});

const setting = 'audit.heads';

/** The heads of the audit log in accounts.db: what the files cannot say of themselves (STORAGE §Audit). */
export class AuditHeadStore {
  readonly #accounts: Pick<Accounts, 'setting' | 'setSetting'>;

  constructor(accounts: Pick<Accounts, 'setting' | 'setSetting'>) {
    this.#accounts = accounts;
  }

  /** None when nothing was ever logged, or when what is stored is of another version. @throws BUSY, IO */
  async read(): Promise<AuditHeads> {
    const bytes = await this.#accounts.setting(setting);
    const parsed = bytes && Stored.safeParse(decodeCbor(bytes));
    if (!parsed?.success) return new Map();
    return new Map(Object.entries(parsed.data.heads) as [AuditCategory, AuditHead][]);
  }

  /** @throws NO_SPACE, BUSY, IO */
  async write(heads: AuditHeads): Promise<void> {
    await this.#accounts.setSetting(setting, encodeCbor({ v: 1, heads: Object.fromEntries(heads) }));
  }
}
