import { CofferError, decodeCbor, encodeCbor, Hash } from '@coffer/core';
import { auditCategories } from '@coffer/protocol';
import type { AuditCategory } from '@coffer/protocol';
import { z } from 'zod';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

const End = z.strictObject({ category: z.enum(auditCategories), seq: z.int().min(1), hash: Hash });
const Stored = z.strictObject({ v: z.literal(1), ends: z.array(End).max(auditCategories.length) });

/** Where the server's audit log ended when this device looked last. */
export interface AuditEnd {
  readonly category: AuditCategory;
  readonly seq: number;
  readonly hash: Uint8Array;
}

/** Ends of the server's audit log that an administrator's device has seen: what a server can take back on itself it cannot take back here. */
export class AuditMemory {
  readonly #path: string;
  readonly #ends: readonly AuditEnd[];

  private constructor(path: string, ends: readonly AuditEnd[]) {
    this.#path = path;
    this.#ends = ends;
  }

  /** @throws DAMAGED */
  static open(path: string): AuditMemory {
    const bytes = readPrivateFile(path, 16 * 1024);
    if (bytes === undefined) return new AuditMemory(path, []);
    try {
      return new AuditMemory(path, Stored.parse(decodeCbor(bytes)).ends);
    } catch (cause) {
      throw new CofferError('DAMAGED', 'the memory of how the audit log ended is damaged', {
        hint: `Move ${path} away only if you trust the server; it is written anew.`,
        cause,
      });
    }
  }

  ends(): readonly AuditEnd[] {
    return this.#ends;
  }

  /** @throws IO */
  remember(ends: readonly { category: AuditCategory; lastSeq: number; lastHash: Uint8Array }[]): void {
    const seen = ends.flatMap(({ category, lastSeq: seq, lastHash: hash }) =>
      seq === 0 ? [] : [{ category, seq, hash }],
    );
    writePrivateFile(this.#path, encodeCbor({ v: 1, ends: seen }));
  }
}
