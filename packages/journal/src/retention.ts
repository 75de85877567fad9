import { z } from 'zod';
import { wholeNumber } from './field-schemas.ts';

/** How long the server keeps versions (JOURNAL §Retention). */
export const RetentionPolicy = z.strictObject({
  /** The newest N versions of a file, whatever their age; the current one counts. */
  versions: wholeNumber(1, 10_000),
  /** Days that a version is kept after it stopped being current. */
  days: wholeNumber(0, 36_500),
  /** Days that a removed entry keeps all its versions. */
  trashDays: wholeNumber(1, 36_500),
});
export type RetentionPolicy = Readonly<z.infer<typeof RetentionPolicy>>;

/** Holds for every vault whose owner set nothing else. */
export const defaultRetention: RetentionPolicy = { versions: 5, days: 90, trashDays: 30 };
