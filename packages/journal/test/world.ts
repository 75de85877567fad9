import { idKey, zeroHash } from '@coffer/core';
import { judgeCommit } from '@coffer/journal';
import type { Commit, Directory, MemberRef, Role, VaultKind, VaultState } from '@coffer/journal';
import { TestAccount, TestVault } from '@coffer/journal/testing';
import type { TestCommit, TestDevice } from '@coffer/journal/testing';
import { outcome } from './expect-code.ts';

/** An owner, two other people and the vaults they share; everybody's chain is known as it is at each call. */
export class World {
  readonly owner = new TestAccount(1);
  readonly anna = new TestAccount(2);
  readonly ben = new TestAccount(3);
  readonly teams: TestVault[] = [];
  readonly laptop = this.owner.enroll({ name: 'laptop' });
  readonly annas = this.anna.enroll({ name: 'anna' });
  readonly bens = this.ben.enroll({ name: 'ben' });

  readonly directory = (): Directory => {
    const chains = TestAccount.directory(this.owner, this.anna, this.ben);
    return {
      identity: (account, head) => chains.identity(account, head),
      team: (id, head) => this.teams.find((team) => idKey(team.id) === idKey(id))?.teamState(head),
    };
  };

  vault(kind: VaultKind = 'share'): TestVault {
    const vault = new TestVault({ owner: this.owner, kind, directory: this.directory });
    if (kind === 'team') this.teams.push(vault);
    return vault;
  }

  /** A `member` ref that admits an account or team with the keys it has now. */
  member(vault: TestVault, who: TestAccount | TestVault, role: Role = 'write'): MemberRef {
    return vault.admission(who, role);
  }

  removal(who: TestAccount | TestVault): MemberRef {
    const member = who instanceof TestAccount ? who.account : who.id;
    return { kind: 'member', member, role: 'none', fingerprint: zeroHash, chainHead: zeroHash, seals: [] };
  }

  /** An epoch for the members without one of them. */
  epochWithout(vault: TestVault, who: TestAccount | TestVault) {
    const members = new Map(vault.state.members);
    members.delete(idKey(who instanceof TestAccount ? who.account : who.id));
    return vault.nextEpoch({ state: { ...vault.state, members }, directory: this.directory() });
  }

  add(vault: TestVault, who: TestAccount | TestVault, role: Role = 'write'): Commit {
    return vault.append({ by: this.laptop, refs: [this.member(vault, who, role)] });
  }
}

/** The code that judging a new commit gives; nothing is appended. */
export function judged(vault: TestVault, commit: TestCommit | TestDevice, state: VaultState = vault.state): string {
  const made = vault.make('sign' in commit ? { by: commit } : commit);
  return outcome(() => judgeCommit(state, made, vault.directory()));
}
