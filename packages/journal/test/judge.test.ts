import { rootEntry } from '@coffer/core';
import { describe, expect, test } from '@jest/globals';
import { decodeVaultState, encodeVaultState, matchOperations, parseCommit, parseOperations } from '../src/index.ts';
import { filePut, TestAccount, TestVault } from '../src/testing/index.ts';

describe('a home vault', () => {
  test('opens, takes a commit of its owner, and its state survives storage', () => {
    const owner = new TestAccount(1);
    const device = owner.enroll();
    const vault = new TestVault({ owner });
    const entry = owner.random.bytes(16);
    const file = filePut({ entry, name: 'a.txt', uploader: owner.account, ids: [owner.random.bytes(32)] });
    const commit = vault.append({
      by: device,
      refs: [file.ref],
      operations: [file.operation, ['put', owner.random.bytes(16), rootEntry, 'd', 'directory', 0, [1, 2], 0o755, []]],
    });
    expect(vault.state.seq).toBe(2);
    expect(parseCommit(commit.bytes)).toEqual(commit);
    matchOperations(commit.header.refs, parseOperations(commit.body), { kind: 'home', genesis: false });
    expect(decodeVaultState(encodeVaultState(vault.state))).toEqual(vault.state);
  });
});
