import { auditCategories, type AuditCategory } from './audit.ts';
import { listLogFiles, readLines } from './audit-files.ts';
import type { AuditHead, AuditHeads } from './audit-heads.ts';
import { lineHash, parseLine, type ChainPlace } from './audit-line.ts';

/** Files that do not end as they did when their head was kept. */
export interface AuditGap {
  readonly category: AuditCategory;
  /** `missing`: lines that were there are gone; `altered`: the line at the head is another one. */
  readonly why: 'missing' | 'altered';
  readonly head: AuditHead;
  /** The last line that is there. */
  readonly found: number;
}

export interface FindGaps {
  readonly heads: AuditHeads;
  /** What the files end with now. */
  readonly ends: ReadonlyMap<AuditCategory, ChainPlace>;
}

/**
 * What was cut off or rewritten at the end while no daemon ran. More lines than the head counts are those of the last moments
 * of a killed daemon; older lines are for {@link verifyAudit}. @throws Node's error of the filesystem
 */
export async function findGaps(folder: string, { heads, ends }: FindGaps): Promise<readonly AuditGap[]> {
  const gaps: AuditGap[] = [];
  for (const category of auditCategories) {
    const head = heads.get(category);
    if (head === undefined) continue;
    const end = ends.get(category);
    const found = end?.seq ?? 0;
    if (found < head.seq) gaps.push({ category, why: 'missing', head, found });
    else if (!(await holds(folder, { category, head, end }))) gaps.push({ category, why: 'altered', head, found });
  }
  return gaps;
}

async function holds(
  folder: string,
  {
    category,
    head,
    end,
  }: { readonly category: AuditCategory; readonly head: AuditHead; readonly end: ChainPlace | undefined },
): Promise<boolean> {
  if (end?.seq === head.seq) return end.hash === head.hash;
  for (const { path } of (await listLogFiles(folder, category)).toReversed()) {
    for await (const lines of readLines(path)) {
      for (const { bytes } of lines) if (parseLine(bytes)?.seq === head.seq) return lineHash(bytes) === head.hash;
    }
  }
  return false;
}
