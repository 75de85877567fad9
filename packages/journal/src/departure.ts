import type { CommitHeader } from './commit-header.ts';
import { commitLimits } from './limits.ts';
import { limit } from './refuse.ts';

/** Ends an epoch, with or without members who leave, and lets nobody in. */
export function isDeparture({ refs }: Pick<CommitHeader, 'refs'>): boolean {
  const admits = refs.some((ref) => ref.kind === 'member' && ref.role !== 'none');
  return refs.some(({ kind }) => kind === 'epoch') && !admits;
}

/** Of the room that the journal of a team has, the last part is for departures. @throws LIMIT */
export function checkTeamCommits(header: Pick<CommitHeader, 'refs' | 'seq'>): void {
  const kept = isDeparture(header) ? 0 : commitLimits.teamCommitsKept;
  if (header.seq > commitLimits.teamCommits - kept) throw limit('a team has changed too often');
}
