import { idKey, isCofferError, type ErrorCode } from '@coffer/core';
import type { AuditCategory } from '@coffer/protocol';

export { auditCategories } from '@coffer/protocol';
export type { AuditCategory } from '@coffer/protocol';

/** One security-relevant event. Ids, sizes and codes; never a name, a path or content. */
export interface AuditEvent {
  /** What happened, from a fixed vocabulary: `login`, `prove`, `append`, … */
  readonly event: string;
  /** Long work has a line at its start and one at its end. */
  readonly phase?: 'start' | 'end';
  readonly status: 'OK' | ErrorCode;
  /** Number of the operation in the protocol's table. */
  readonly operation?: number;
  readonly account?: Uint8Array | undefined;
  readonly device?: Uint8Array | undefined;
  readonly vault?: Uint8Array | undefined;
  readonly job?: Uint8Array | undefined;
  /** The account that something was done to by another one. */
  readonly subject?: Uint8Array | undefined;
  readonly address?: string;
  readonly bytes?: number;
  /** Named whole numbers: chunks stored, commits, attempts. */
  readonly counts?: Readonly<Record<string, number>>;
  /** Fixed words that qualify the event: a mode, a cause. */
  readonly note?: string;
}

/** Where security-relevant events go. Never throws and never waits: the log must not decide what the daemon does. */
export interface Audit {
  record(category: AuditCategory, event: AuditEvent): void;
}

export const silentAudit: Audit = { record: () => undefined };

/** How work ended that threw. */
export function statusOf(error: unknown): ErrorCode {
  return isCofferError(error) ? error.code : 'INTERNAL';
}

/** The event as a flat line: ids in hex, counts beside the rest. */
export function auditFields(event: AuditEvent): Readonly<Record<string, unknown>> {
  const { account, device, vault, job, subject, ...rest } = event;
  return { ...rest, ...hexFields({ account, device, vault, job, subject }) };
}

function hexFields(ids: Readonly<Record<string, Uint8Array | undefined>>): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [name, id] of Object.entries(ids)) if (id !== undefined) fields[name] = idKey(id);
  return fields;
}
