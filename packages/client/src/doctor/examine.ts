import type { Clock } from '@coffer/core';
import { createTlsDial } from '../connection/dial.ts';
import type { Dial } from '../connection/dial.ts';
import type { Profile } from '../profile/profile.ts';
import type { ProfileRecord } from '../profile/profile-record.ts';
import { examineServer } from './examine-server.ts';
import { problemOf } from './finding.ts';
import type { Finding } from './finding.ts';
import { keysFinding, programFinding, spaceFinding, watchingFinding } from './local-findings.ts';

export interface ExamineOptions {
  /** Opens the profile anew: what keeps it from being opened is a finding. */
  readonly openProfile: () => Profile;
  /** Exists; the profile lies below it, or will. */
  readonly home: string;
  /** `0.1.0`. */
  readonly version: string;
  readonly clock: Clock;
}

/**
 * Looks at everything that this device needs in order to work: asks for no password, changes nothing. Findings come one by one;
 * the server is asked last. Only for the signal it throws.
 */
export async function* examine(
  options: ExamineOptions,
  signal: AbortSignal,
  dial: Dial = createTlsDial(options),
): AsyncGenerator<Finding> {
  const { home, version, clock } = options;
  yield programFinding(version, process);
  const { finding, profile, record } = profileOf(options);
  yield finding;
  if (profile !== undefined && record !== undefined) yield keysFinding(profile, record);
  yield await spaceFinding(home);
  const watching = await watchingFinding();
  if (watching !== undefined) yield watching;
  if (record !== undefined) yield* examineServer(record, { dial, clock }, signal);
}

interface Opened {
  readonly finding: Finding;
  readonly profile?: Profile;
  readonly record?: ProfileRecord;
}

function profileOf({ openProfile }: ExamineOptions): Opened {
  const check = 'profile';
  try {
    const profile = openProfile();
    const { record } = profile;
    if (record === undefined) {
      const hint = 'coffer asks for what it needs, or: coffer login INVITE';
      return { finding: { check, state: 'warning', text: 'nobody is logged in here', hint }, profile };
    }
    const { username, deviceName } = record;
    return {
      finding: { check, state: 'good', text: `${username} on ${deviceName}, in ${profile.path}` },
      profile,
      record,
    };
  } catch (error) {
    return { finding: problemOf(check, error) };
  }
}
