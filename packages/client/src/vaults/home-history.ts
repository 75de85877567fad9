import type { EntryId } from '@coffer/core';
import { effectivePolicy, keptUntilMs } from '@coffer/journal';
import type { KeptVersion, RetentionInForce, VaultHistory } from '../history.ts';
import { ageVersions } from '../history/version-ages.ts';
import type { VaultJournal } from '../state/vault-journal.ts';

export interface HomeHistoryDeps {
  readonly journal: VaultJournal;
}

/** {@link VaultHistory} of the home vault. */
export class HomeHistory implements VaultHistory {
  readonly #deps: HomeHistoryDeps;

  constructor(deps: HomeHistoryDeps) {
    this.#deps = deps;
  }

  policyAt(nowMs: number): RetentionInForce {
    const changes = this.#deps.journal.history.policies();
    return { policy: effectivePolicy(changes, nowMs), isSet: changes.length > 0 };
  }

  versions(entry: EntryId, nowMs: number): readonly KeptVersion[] {
    const { policy } = this.policyAt(nowMs);
    return ageVersions(this.#deps.journal, entry).map(({ version, age }): KeptVersion => {
      if (version.current) return { version, state: 'current', untilMs: undefined, cause: undefined };
      const untilMs = keptUntilMs(age, policy);
      const isOver = untilMs <= nowMs;
      return {
        version,
        state: isOver ? 'expired' : 'kept',
        untilMs: Number.isFinite(untilMs) ? untilMs : undefined,
        cause: isOver ? 'rules' : undefined,
      };
    });
  }
}
