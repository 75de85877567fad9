import type { ByteName } from './byte-name.ts';

/** Two contents of one name, both kept. */
export interface Conflict {
  /** Below the root of the job: the name over which there is a conflict. */
  readonly path: ByteName;
  /** Below the root of the job: where the other content is kept. */
  readonly copy: ByteName;
  /** Which of the two is this device's. */
  readonly mine: 'path' | 'copy';
}

/** Told each conflict of a run when both contents are in their places. */
export type OnConflict = (conflict: Conflict) => void;
