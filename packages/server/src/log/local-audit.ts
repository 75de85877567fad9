import {
  AccountId,
  decodeCbor,
  encodeCbor,
  errorCodes,
  isCofferError,
  secondMs,
  toHex,
  type Clock,
  type ErrorCode,
  type Logger,
  type Random,
} from '@coffer/core';
import type { Accounts } from '@coffer/storage';
import { z } from 'zod';
import { auditCategories, statusOf, type Audit, type AuditCategory, type AuditEvent } from './audit.ts';
import type { AuditTrail } from './audit-log.ts';

/** Settings in accounts.db, one for each event: only the daemon writes the log, or its chain of hashes would fork. */
const prefix = 'audit.local.';

/** Events taken at a time, and how often it is looked for more. */
const together = 100;
const lookMs = 5 * secondMs;

const Stored = z.strictObject({
  v: z.literal(1),
  category: z.enum(auditCategories),
  event: z.string().max(100),
  phase: z.enum(['start', 'end']),
  status: z.union([z.literal('OK'), z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]])]),
  note: z.string().max(64).optional(),
  subject: AccountId.optional(),
  counts: z.record(z.string().max(32), z.number().int()).optional(),
  atMs: z.number().int().min(0),
});

/** What an administrator did on the server's folder itself. */
export interface LocalEvent extends Pick<AuditEvent, 'event' | 'status' | 'note' | 'subject' | 'counts'> {
  readonly category: AuditCategory;
  readonly phase: 'start' | 'end';
  readonly atMs: number;
}

/** Leaves an event for the daemon's log, with the others in the order of their time. @throws NO_SPACE, BUSY, IO */
export async function leaveLocalEvent(
  { accounts, random }: { readonly accounts: Pick<Accounts, 'setSetting'>; readonly random: Random },
  event: LocalEvent,
): Promise<void> {
  const key = `${prefix}${String(event.atMs).padStart(15, '0')}.${toHex(random.bytes(8))}`;
  const present = Object.entries(event).filter(([, value]) => value !== undefined);
  await accounts.setSetting(key, encodeCbor({ v: 1, ...Object.fromEntries(present) }));
}

export interface LocalAuditDeps {
  readonly accounts: Pick<Accounts, 'settingsUnder' | 'removeSettings'>;
  readonly audit: Audit;
  readonly trail?: Pick<AuditTrail, 'flush'> | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Takes what commands left into the log, at the start and now and then; after a crash twice rather than not at all. */
export class LocalAudit implements AsyncDisposable {
  readonly #deps: LocalAuditDeps;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** Recorded, and still to be removed: accounts.db was busy. At most one batch. */
  readonly #recorded = new Set<string>();

  private constructor(deps: LocalAuditDeps) {
    this.#deps = deps;
    this.#running = this.#run();
  }

  static begin(deps: LocalAuditDeps): LocalAudit {
    return new LocalAudit(deps);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#deps;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#takeAll();
      } catch (error) {
        logger.warn({ status: statusOf(error) }, 'what was done on the server itself could not be logged yet');
      }
      await clock.sleep(lookMs, signal).catch(() => undefined);
    }
  }

  async #takeAll(): Promise<void> {
    const { accounts, audit, trail } = this.#deps;
    for (;;) {
      const left = await accounts.settingsUnder(prefix, together);
      if (left.length === 0) return;
      for (const { key, value } of left) {
        if (!this.#recorded.has(key)) recordLeft(audit, value);
        this.#recorded.add(key);
      }
      await trail?.flush();
      await accounts.removeSettings(left.map(({ key }) => key));
      this.#recorded.clear();
    }
  }
}

function recordLeft(audit: Audit, value: Uint8Array): void {
  const parsed = Stored.safeParse(decoded(value));
  // Left by another version: that something was done is worth a line.
  if (!parsed.success) return audit.record('admin', { event: 'unknown', status: 'INVALID', address: 'local' });
  const { v: _v, category, atMs, counts, note, subject, ...event } = parsed.data;
  const more = { ...(note !== undefined && { note }), ...(subject && { subject }), counts: { ...counts, atMs } };
  audit.record(category, { ...event, ...more, address: 'local' });
}

function decoded(value: Uint8Array): unknown {
  try {
    return decodeCbor(value);
  } catch (error) {
    if (isCofferError(error)) return undefined;
    throw error;
  }
}
