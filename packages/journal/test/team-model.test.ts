import { expect, test } from '@jest/globals';
import { idKey } from '@coffer/core';
import { decodeVaultState, encodeVaultState } from '@coffer/journal';
import type { Ref, VaultState } from '@coffer/journal';
import type { TestAccount, TestCommit, TestDevice, TestVault } from '@coffer/journal/testing';
import fc from 'fast-check';
import { judged, World } from './world.ts';

type Name = 'anna' | 'ben';

type Step =
  | { readonly kind: 'join' | 'go' | 'write' | 'write with the newest head'; readonly who: Name }
  | { readonly kind: 'take note' | 'new key of the team' | 'new key of the share' | 'write with an old head' };

const who = fc.constantFrom<Name>('anna', 'ben');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('join', 'go', 'write', 'write with the newest head'), who }),
  fc.record({
    kind: fc.constantFrom('take note', 'new key of the team', 'new key of the share', 'write with an old head'),
  }),
);

/** A share that a team writes to, and beside it the few sets that say who may write. */
class Model {
  readonly #world = new World();
  readonly #team: TestVault = this.#world.vault('team');
  readonly #share: TestVault = this.#world.vault('share');
  /** Who is in the team, and who was at the head that the share has seen. */
  readonly #now = new Set<Name>();
  #seen = new Set<Name>();
  /** Of the team, older than the one that the share has seen. */
  #old: Ref | undefined;

  /** Where the journal judged otherwise than the sets say. */
  readonly surprises: string[] = [];

  constructor() {
    this.#world.add(this.#share, this.#team);
  }

  run(one: Step): void {
    if (one.kind === 'join') this.#join(one.who);
    else if (one.kind === 'go') this.#go(one.who);
    else if (one.kind === 'write') this.#write(one.who);
    else if (one.kind === 'write with the newest head') this.#writeWithHead(one.who);
    else if (one.kind === 'take note') this.#takeNote();
    else if (one.kind === 'new key of the team')
      this.#team.append({ by: this.#world.laptop, refs: [this.#team.nextEpoch()] });
    else if (one.kind === 'new key of the share')
      this.#share.append({ by: this.#world.laptop, refs: [this.#share.nextEpoch()] });
    else this.#replay();
  }

  get states(): readonly VaultState[] {
    return [this.#team.state, this.#share.state];
  }

  #expect(commit: TestCommit, expected: string): void {
    const outcome = judged(this.#share, commit);
    if (outcome !== expected) this.surprises.push(`${outcome} instead of ${expected}`);
  }

  #join(name: Name): void {
    if (this.#now.has(name)) return;
    this.#world.add(this.#team, this.#account(name), 'read');
    this.#now.add(name);
  }

  #go(name: Name): void {
    if (!this.#now.delete(name)) return;
    const account = this.#account(name);
    const refs = [this.#world.removal(account), this.#world.epochWithout(this.#team, account)];
    this.#team.append({ by: this.#world.laptop, refs });
  }

  #write(name: Name): void {
    const by = this.#device(name);
    this.#expect({ by }, this.#seen.has(name) ? 'accepted' : 'NOT_ALLOWED');
    if (this.#seen.has(name)) this.#share.append({ by });
  }

  #writeWithHead(name: Name): void {
    const commit = { by: this.#device(name), refs: [this.#head()] };
    this.#expect(commit, this.#now.has(name) ? 'accepted' : 'NOT_ALLOWED');
    if (!this.#now.has(name)) return;
    const before = this.#recorded();
    this.#share.append(commit);
    this.#note(before);
  }

  #takeNote(): void {
    const before = this.#recorded();
    this.#share.append({ by: this.#world.laptop, refs: [this.#head()] });
    this.#note(before);
  }

  #replay(): void {
    if (this.#old === undefined) return;
    for (const by of [this.#world.laptop, this.#world.annas, this.#world.bens])
      this.#expect({ by, refs: [this.#old] }, 'INVALID');
  }

  #note(before: Uint8Array): void {
    this.#seen = new Set(this.#now);
    if (idKey(before) !== idKey(this.#recorded()))
      this.#old = { kind: 'identity', subject: this.#team.id, head: before };
  }

  #recorded(): Uint8Array {
    return this.#share.state.identities.get(idKey(this.#team.id)) ?? new Uint8Array(32);
  }

  #head(): Ref {
    return { kind: 'identity', subject: this.#team.id, head: this.#team.state.head };
  }

  #account(name: Name): TestAccount {
    return name === 'anna' ? this.#world.anna : this.#world.ben;
  }

  #device(name: Name): TestDevice {
    return name === 'anna' ? this.#world.annas : this.#world.bens;
  }
}

test('who may write to what a team has follows the head of the team that the share has seen, whatever happens in what order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const model = new Model();
      for (const one of steps) model.run(one);
      expect(model.surprises).toEqual([]);
      for (const state of model.states) expect(decodeVaultState(encodeVaultState(state))).toEqual(state);
    }),
    { numRuns: 150 },
  );
});
