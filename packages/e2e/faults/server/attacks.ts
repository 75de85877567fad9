import type { Attack } from './attack.ts';
import { contentAttacks } from './content-attacks.ts';
import { frameAttacks } from './frame-attacks.ts';
import { journalAttacks } from './journal-attacks.ts';
import { sessionAttacks } from './session-attacks.ts';

/** Everything that a server can do to its clients, as far as somebody thought of it. */
export const attacks: readonly Attack[] = [...journalAttacks, ...contentAttacks, ...frameAttacks, ...sessionAttacks];
