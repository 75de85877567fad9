import { compareBytes, randomId, timestampFromMs, zeroHash } from '@coffer/core';
import type { AccountId, DeviceId, Random, ServerId, VaultId } from '@coffer/core';
import { IdentityChains } from '../directory.ts';
import { foldIdentity } from '../identity.ts';
import type { IdentityState } from '../identity.ts';
import { makeIdentityStatement, rotationBytes, rotationLabel } from '../identity-statement.ts';
import { signedBytes } from '../signature.ts';
import { testRandom, testSigningKey } from './test-keys.ts';
import type { TestSigningKey } from './test-keys.ts';

export interface TestDevice extends TestSigningKey {
  readonly account: AccountId;
  readonly device: DeviceId;
}

export interface EnrollOptions {
  readonly name?: string;
  readonly scope?: 'full' | 'worker';
  readonly vaults?: readonly VaultId[];
}

/** An account with a real identity chain. Its X-Wing keys are random bytes: right in size, nobody can open for them. */
export class TestAccount {
  readonly account: AccountId;
  readonly server: ServerId;
  readonly random: Random;
  readonly statements: Uint8Array[] = [];
  #identityKey: TestSigningKey;
  #state: IdentityState;

  /** The same `seed` gives the same account. */
  constructor(seed: number, server: ServerId = new Uint8Array(16).fill(7)) {
    this.random = testRandom(seed);
    this.server = server;
    this.account = randomId(this.random);
    this.#identityKey = testSigningKey(this.random);
    const keys = { signKey: this.#identityKey.publicKey, sealKey: this.random.bytes(1216) };
    const place = {
      v: 1,
      account: this.account,
      seq: 1,
      prev: zeroHash,
      at: timestampFromMs(1_700_000_000_000),
    } as const;
    const create = makeIdentityStatement({ ...place, type: 'create', server, ...keys }, this.#identityKey.sign);
    this.statements.push(create);
    this.#state = foldIdentity(undefined, create);
  }

  get state(): IdentityState {
    return this.#state;
  }

  /** The key that signs statements and geneses now. */
  get identityKey(): TestSigningKey {
    return this.#identityKey;
  }

  /** Certifies a new device. */
  enroll({ name = 'test device', scope = 'full', vaults = [] }: EnrollOptions = {}): TestDevice {
    const key = testSigningKey(this.random);
    const device: DeviceId = randomId(this.random);
    const common = { ...this.next(), type: 'device', device, signKey: key.publicKey, name } as const;
    const sorted = vaults.toSorted(compareBytes);
    const payload =
      scope === 'full'
        ? ({ ...common, scope } as const)
        : ({ ...common, scope, sealKey: this.random.bytes(1216), vaults: sorted } as const);
    this.add(makeIdentityStatement(payload, this.#identityKey.sign));
    return { ...key, account: this.account, device };
  }

  revoke(device: DeviceId): void {
    this.add(makeIdentityStatement({ ...this.next(), type: 'revoke', device }, this.#identityKey.sign));
  }

  /** Changes the identity keys. */
  rotate(): void {
    const key = testSigningKey(this.random);
    const fields = { ...this.next(), signKey: key.publicKey, sealKey: this.random.bytes(1216) };
    const proof = key.sign(signedBytes(rotationLabel, rotationBytes(fields)));
    this.add(makeIdentityStatement({ ...fields, type: 'rotate', proof }, this.#identityKey.sign));
    this.#identityKey = key;
  }

  /** Adds a statement made elsewhere. */
  add(statement: Uint8Array): void {
    this.#state = foldIdentity(this.#state, statement);
    this.statements.push(statement);
  }

  /** The fields that put a statement at the end of this chain. */
  next() {
    const { account, seq, head } = this.#state;
    return { v: 1 as const, account, seq: seq + 1, prev: head, at: timestampFromMs(1_700_000_000_000 + seq * 1000) };
  }

  /** A directory that knows the chains of these accounts as they are now. */
  static directory(...accounts: readonly TestAccount[]): IdentityChains {
    const chains = new IdentityChains();
    for (const { account, statements } of accounts) chains.append(account, statements);
    return chains;
  }
}
