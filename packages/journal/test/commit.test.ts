import { concatBytes, encodeCbor, zeroHash } from '@coffer/core';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  bodyAssociatedData,
  commitHash,
  commitLimits,
  judgeCommit,
  openVault,
  parseCommit,
  vaultIdOf,
} from '@coffer/journal';
import { filePut, TestAccount, TestVault } from '@coffer/journal/testing';
import { ref } from './arbitraries.ts';
import { damaged, everyDamage, outcome } from './expect-code.ts';

function setUp() {
  const owner = new TestAccount(1);
  const by = owner.enroll();
  return { owner, by, vault: new TestVault({ owner }) };
}

describe('a commit', () => {
  test('keeps the very bytes it came in, as views, and never writes its header again', () => {
    const { vault, by } = setUp();
    fc.assert(
      fc.property(fc.array(ref, { maxLength: 5 }), fc.uint8Array({ maxLength: 100 }), (refs, body) => {
        const made = vault.make({ by, refs, body });
        const arrived = concatBytes(made.bytes);
        const parsed = parseCommit(arrived);
        expect(parsed).toEqual(made);
        expect(parsed.header.refs).toEqual(refs);
        expect(parsed.bytes).toBe(arrived);
        expect(parsed.headerBytes.buffer).toBe(arrived.buffer);
        expect(parsed.body.buffer).toBe(arrived.buffer);
        expect(parsed.hash).toEqual(commitHash(parsed.headerBytes, parsed.signature));
      }),
      { numRuns: 100 },
    );
  });

  test('a Buffer in the middle of another parses into plain byte arrays', () => {
    const { vault, by } = setUp();
    const { bytes } = vault.make({ by });
    const buffer = Buffer.concat([Buffer.alloc(7), bytes, Buffer.alloc(9)]).subarray(7, 7 + bytes.length);
    const parsed = parseCommit(buffer);
    expect(Buffer.isBuffer(parsed.headerBytes)).toBe(false);
    expect(parsed.hash).toEqual(parseCommit(bytes).hash);
  });

  test('any damaged byte, whatever the damage, is refused', () => {
    const { vault, by, owner } = setUp();
    const file = filePut({
      entry: owner.random.bytes(16),
      name: 'a',
      uploader: owner.account,
      ids: [owner.random.bytes(32)],
    });
    const { bytes } = vault.make({ by, refs: [file.ref], operations: [file.operation] });
    const directory = vault.directory();
    const judged = [0x01, 0x80, 0xff].flatMap((mask) =>
      everyDamage(bytes, mask).map((one) => outcome(() => judgeCommit(vault.state, parseCommit(one), directory))),
    );
    expect(judged).not.toContain('accepted');
    expect(new Set(judged).size).toBeGreaterThan(2);
  });

  test('any damaged byte of a genesis is refused', () => {
    const { vault } = setUp();
    const directory = vault.directory();
    const judged = everyDamage(vault.genesis.bytes).map((one) => outcome(() => openVault(parseCommit(one), directory)));
    expect(judged).not.toContain('accepted');
  });

  test('cut off anywhere, or with a byte more, is refused', () => {
    const { vault, by } = setUp();
    const { bytes } = vault.make({ by });
    for (let length = 0; length < bytes.length; length += 1) {
      expect(outcome(() => parseCommit(bytes.subarray(0, length)))).toBe('INVALID');
    }
    expect(outcome(() => parseCommit(concatBytes(bytes, Uint8Array.of(0))))).toBe('INVALID');
  });

  test('is refused by its size before it is looked into', () => {
    const { vault, by } = setUp();
    expect(outcome(() => parseCommit(new Uint8Array(commitLimits.bytes + 1)))).toBe('LIMIT');
    expect(outcome(() => vault.make({ by, body: new Uint8Array(commitLimits.bodyBytes) }))).toBe('accepted');
    expect(outcome(() => vault.make({ by, body: new Uint8Array(commitLimits.bodyBytes + 1) }))).toBe('LIMIT');
  });

  test('of a newer version says so', () => {
    const { vault, by } = setUp();
    expect(outcome(() => vault.make({ by, header: { v: 2 as 1 } }))).toBe('UPGRADE_REQUIRED');
    expect(outcome(() => vault.make({ by, header: { v: 0 as 1 } }))).toBe('INVALID');
    expect(outcome(() => vault.make({ by, header: { v: '1' as unknown as 1 } }))).toBe('INVALID');
  });

  test.each<[string, Record<string, unknown>]>([
    ['a later commit without a vault', { vault: new Uint8Array(32) }],
    ['a later commit without a predecessor', { prev: zeroHash }],
    ['a later commit without a device', { device: new Uint8Array(0) }],
    ['a first commit that is no genesis', { seq: 1 }],
    ['position 0', { seq: 0 }],
    ['a position that is no integer', { seq: 2.5 }],
    ['an epoch beyond 32 bits', { epoch: 2 ** 32 }],
    ['a device id of 15 bytes', { device: new Uint8Array(15) }],
    ['a field too many', { extra: 1 }],
  ])('%s is INVALID', (_name, header) => {
    const { vault, by } = setUp();
    expect(outcome(() => vault.make({ by, header }))).toBe('INVALID');
  });

  test('a body that is not the header’s is INTEGRITY', () => {
    const { vault, by } = setUp();
    const { bytes } = vault.make({ by, body: Uint8Array.of(1, 2, 3) });
    expect(outcome(() => parseCommit(damaged(bytes, bytes.length - 1)))).toBe('INTEGRITY');
  });

  test('the id of a vault is the hash of its genesis header; later commits name it', () => {
    const { vault, by } = setUp();
    expect(vault.genesis.vault).toEqual(vaultIdOf(vault.genesis.headerBytes));
    expect(vault.make({ by }).vault).toEqual(vault.id);
  });

  test('associated data differ with every field', () => {
    const base = {
      vault: new Uint8Array(32),
      epoch: 0,
      account: new Uint8Array(16),
      device: new Uint8Array(16),
      commitId: new Uint8Array(16),
    };
    const variants = [
      base,
      { ...base, vault: new Uint8Array(32).fill(1) },
      { ...base, epoch: 1 },
      { ...base, account: new Uint8Array(16).fill(1) },
      { ...base, device: new Uint8Array(16).fill(1) },
      { ...base, device: new Uint8Array(0) },
      { ...base, commitId: new Uint8Array(16).fill(1) },
    ];
    expect(new Set(variants.map((one) => Buffer.from(bodyAssociatedData(one)).toString('hex'))).size).toBe(
      variants.length,
    );
  });

  test.each([
    ['a longer length head than needed', [0x83, 0x58, 0x01, 0x00]],
    ['a text in place of bytes', [0x83, 0x60, 0x40, 0x40]],
    ['an indefinite length', [0x83, 0x5f, 0xff]],
    ['eight bytes of length', [0x83, 0x5b, 0, 0, 0, 0, 0, 0, 0, 1, 0]],
    ['four parts', [0x84, 0x40, 0x40, 0x40, 0x40]],
    ['a length beyond the end', [0x83, 0x5a, 0xff, 0xff, 0xff, 0xff, 0x00]],
    ['nothing', []],
  ])('an envelope with %s is INVALID', (_name, bytes) => {
    expect(outcome(() => parseCommit(Uint8Array.from(bytes)))).toBe('INVALID');
  });

  test('deep nesting in a header is refused, not followed', () => {
    const header = new Uint8Array(60_000).fill(0x81);
    const bytes = encodeCbor([header, new Uint8Array(64), new Uint8Array(0)]);
    expect(outcome(() => parseCommit(bytes))).toBe('INVALID');
  });
});
