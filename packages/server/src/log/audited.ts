import { statusOf, type Audit, type AuditCategory, type AuditEvent } from './audit.ts';

export interface AuditedWork extends Omit<AuditEvent, 'phase' | 'status'> {
  readonly category: AuditCategory;
}

/** What work did, for its last line, and its result. */
export interface Audited<Result> extends Pick<AuditEvent, 'counts' | 'subject' | 'note'> {
  readonly result: Result;
}

/** A line at the start and one at the end, however it ends: what an administrator does must be seen by the others. */
export async function audited<Result>(
  audit: Audit,
  { category, ...about }: AuditedWork,
  work: () => Promise<Audited<Result>>,
): Promise<Result> {
  audit.record(category, { ...about, phase: 'start', status: 'OK' });
  try {
    const { result, ...more } = await work();
    audit.record(category, { ...about, phase: 'end', status: 'OK', ...more });
    return result;
  } catch (error) {
    audit.record(category, { ...about, phase: 'end', status: statusOf(error) });
    throw error;
  }
}
