import { describe, expect, test } from '@jest/globals';
import { decodeCbor, encodeCbor, isCofferError, kdf, lp, systemRandom as random, utf8 } from '@coffer/core';
import { commitLimits, verifySignature } from '@coffer/journal';
import {
  ed25519KeyPair,
  epochKeys,
  loginProof,
  newAccountSecrets,
  newEpochSecret,
  openCommitBody,
  openEpochLink,
  openEpochSecret,
  openEscrow,
  openUnlockRecord,
  sealCommitBody,
  sealEpochLink,
  sealEpochSecretTo,
  sealUnlockRecord,
  teamKeyPair,
  xwingKeyPair,
} from '@coffer/crypto';

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'nothing thrown';
  } catch (error) {
    return isCofferError(error) ? error.code : 'a bug';
  }
}

const server = random.bytes(16);
const account = random.bytes(16);
const exportKey = random.bytes(64);
const secrets = newAccountSecrets(random);
const plainOf = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, part: unknown) =>
      part instanceof Uint8Array ? Buffer.from(part).toString('hex') : part,
    ),
  );

test('fresh secrets are all different', () => {
  const [a, b] = [newAccountSecrets(random), newAccountSecrets(random)];
  const all = [a.ark, a.identitySeed, a.sealSeed, a.dedup[0]!.secret, b.ark, b.identitySeed];
  expect(new Set(all.map((bytes) => Buffer.from(bytes).toString('hex'))).size).toBe(6);
  expect(all.every((bytes) => bytes.byteLength === 32)).toBe(true);
  expect(a.dedup.map(({ g }) => g)).toEqual([0]);
});

test('an Ed25519 key pair signs what the journal verifies', () => {
  const pair = ed25519KeyPair(random.bytes(32));
  const bytes = utf8('statement');
  const signature = pair.sign(lp('coffer/1 test', bytes));
  expect(verifySignature({ key: pair.publicKey, label: 'coffer/1 test', bytes, signature })).toBe(true);
  expect(verifySignature({ key: pair.publicKey, label: 'coffer/1 other', bytes, signature })).toBe(false);
});

describe('unlock record', () => {
  const record = sealUnlockRecord({ exportKey, secrets, server, account, random });

  test('opens with the export key to the same secrets', () => {
    expect(plainOf(openUnlockRecord({ exportKey, record, server, account }))).toEqual(plainOf(secrets));
  });

  test('several generations of the dedup secret survive', () => {
    const more = { ...secrets, dedup: [...secrets.dedup, { g: 1, secret: random.bytes(32) }] };
    const sealed = sealUnlockRecord({ exportKey, secrets: more, server, account, random });
    expect(plainOf(openUnlockRecord({ exportKey, record: sealed, server, account }))).toEqual(plainOf(more));
  });

  test('is bound to key, server and account', () => {
    const good = { exportKey, record, server, account };
    const wrong = [{ exportKey: random.bytes(64) }, { server: random.bytes(16) }, { account: random.bytes(16) }];
    expect(wrong.map((part) => codeOf(() => openUnlockRecord({ ...good, ...part })))).toEqual([
      'INTEGRITY',
      'INTEGRITY',
      'INTEGRITY',
    ]);
  });

  test('parts of two records do not mix', () => {
    const other = sealUnlockRecord({ exportKey, secrets: newAccountSecrets(random), server, account, random });
    const [a, b] = [decodeCbor(record), decodeCbor(other)] as [{ ark: Uint8Array }, { ark: Uint8Array }];
    const mixed = encodeCbor({ ...a, ark: b.ark });
    expect(codeOf(() => openUnlockRecord({ exportKey, record: mixed, server, account }))).toBe('INTEGRITY');
  });

  test('what a hostile server may send instead is INTEGRITY, never a bug', () => {
    const fields = decodeCbor(record) as Record<string, unknown>;
    const bad = [
      new Uint8Array(0),
      random.bytes(500),
      encodeCbor(null),
      encodeCbor({}),
      encodeCbor({ ...fields, v: 2 }),
      encodeCbor({ ...fields, more: 1 }),
      encodeCbor({ ...fields, ark: 'text' }),
      encodeCbor({ ...fields, ark: new Uint8Array(0) }),
      encodeCbor({ ...fields, secrets: new Uint8Array(100_000) }),
      record.subarray(0, -1),
      Buffer.concat([record, Buffer.of(0)]),
    ];
    for (let index = 0; index < record.byteLength; index += 7) {
      const copy = record.slice();
      copy[index]! ^= 4;
      bad.push(copy);
    }
    expect(
      new Set(bad.map((sent) => codeOf(() => openUnlockRecord({ exportKey, record: sent, server, account })))),
    ).toEqual(new Set(['INTEGRITY']));
  });
});

describe('escrow', () => {
  const recovery = xwingKeyPair(random.bytes(32));
  const record = sealUnlockRecord({ exportKey, secrets, server, account, random, recoveryKey: recovery.publicKey });
  const identity = {
    signKey: ed25519KeyPair(secrets.identitySeed).publicKey,
    sealKey: xwingKeyPair(secrets.sealSeed).publicKey,
  };
  const admin = { recoverySeed: recovery.seed, recoveryKey: recovery.publicKey, record, server, account, identity };

  test('gives the recovery key the same secrets, and the person too', () => {
    expect(plainOf(openEscrow(admin))).toEqual(plainOf(secrets));
    expect(plainOf(openUnlockRecord({ exportKey, record, server, account }))).toEqual(plainOf(secrets));
  });

  test('exists only where a recovery key was given', () => {
    const without = sealUnlockRecord({ exportKey, secrets, server, account, random });
    expect(openEscrow({ ...admin, record: without })).toBeUndefined();
  });

  test('is bound to the account and the key', () => {
    const other = xwingKeyPair(random.bytes(32));
    expect(codeOf(() => openEscrow({ ...admin, account: random.bytes(16) }))).toBe('INTEGRITY');
    expect(codeOf(() => openEscrow({ ...admin, recoverySeed: other.seed }))).toBe('INTEGRITY');
    expect(codeOf(() => openEscrow({ ...admin, recoveryKey: other.publicKey }))).toBe('INTEGRITY');
  });

  test('that somebody else sealed to the recovery key is refused: its secrets are not the certified ones', () => {
    const theirs = newAccountSecrets(random);
    const seal = (chosen: typeof secrets) =>
      sealUnlockRecord({ exportKey, secrets: chosen, server, account, random, recoveryKey: recovery.publicKey });
    for (const chosen of [
      theirs,
      { ...theirs, identitySeed: secrets.identitySeed },
      { ...theirs, sealSeed: secrets.sealSeed },
    ]) {
      expect(codeOf(() => openEscrow({ ...admin, record: seal(chosen) }))).toBe('INTEGRITY');
    }
  });

  test('an unusable recovery key is INVALID', () => {
    expect(
      codeOf(() => sealUnlockRecord({ exportKey, secrets, server, account, random, recoveryKey: new Uint8Array(9) })),
    ).toBe('INVALID');
  });
});

describe('epochs', () => {
  const secret = newEpochSecret(random);
  const member = xwingKeyPair(random.bytes(32));
  const vault = random.bytes(32);
  const grant = { server, from: account, to: random.bytes(16), object: vault, epoch: 4 };
  const sealed = sealEpochSecretTo({ grant, recipientKey: member.publicKey, secret, random });
  const { commitment } = epochKeys(secret, 4);

  test('keys are what JOURNAL §Commit says', () => {
    expect(epochKeys(secret, 4)).toEqual({
      bodyKey: kdf(secret, 'body key', 4),
      commitment: kdf(secret, 'epoch commitment', 4),
      linkKey: kdf(secret, 'epoch link', 4),
    });
    expect(epochKeys(secret, 5).bodyKey).not.toEqual(epochKeys(secret, 4).bodyKey);
  });

  test('a member opens what was sealed to them', () => {
    expect(openEpochSecret({ grant, privateSeed: member.seed, sealed, commitment })).toEqual(secret);
  });

  test('and nothing that was sealed for another place, epoch, person or by another', () => {
    const elsewhere = [
      { server: random.bytes(16) },
      { from: random.bytes(16) },
      { to: random.bytes(16) },
      { object: random.bytes(32) },
      { epoch: 5 },
    ];
    for (const part of elsewhere) {
      const other = { ...grant, ...part };
      expect(codeOf(() => openEpochSecret({ grant: other, privateSeed: member.seed, sealed, commitment }))).toBe(
        'INTEGRITY',
      );
    }
  });

  test('nor a secret that is not the committed one: no two members are given different keys', () => {
    const different = sealEpochSecretTo({
      grant,
      recipientKey: member.publicKey,
      secret: newEpochSecret(random),
      random,
    });
    const short = sealEpochSecretTo({ grant, recipientKey: member.publicKey, secret: random.bytes(31), random });
    expect(codeOf(() => openEpochSecret({ grant, privateSeed: member.seed, sealed: different, commitment }))).toBe(
      'INTEGRITY',
    );
    expect(codeOf(() => openEpochSecret({ grant, privateSeed: member.seed, sealed: short, commitment }))).toBe(
      'INTEGRITY',
    );
  });

  test('the link leads back one epoch, and only into the committed one', () => {
    const previous = newEpochSecret(random);
    const previousCommitment = epochKeys(previous, 3).commitment;
    const link = sealEpochLink({ vault, n: 4, secret, previous, random });
    const open = { vault, n: 4, secret, link, previousCommitment };
    expect(openEpochLink(open)).toEqual(previous);
    expect(codeOf(() => openEpochLink({ ...open, n: 5 }))).toBe('INTEGRITY');
    expect(codeOf(() => openEpochLink({ ...open, vault: random.bytes(32) }))).toBe('INTEGRITY');
    expect(codeOf(() => openEpochLink({ ...open, secret: previous }))).toBe('INTEGRITY');
    expect(codeOf(() => openEpochLink({ ...open, previousCommitment: commitment }))).toBe('INTEGRITY');
  });

  test('a team has one key pair per epoch', () => {
    expect(teamKeyPair(secret, 4).publicKey).toEqual(teamKeyPair(secret, 4).publicKey);
    expect(teamKeyPair(secret, 5).publicKey).not.toEqual(teamKeyPair(secret, 4).publicKey);
  });

  test('the length of a commit body tells a power of two and a few bits, not how long a name is', () => {
    const bodyBytes = (operations: number): number =>
      sealCommitBody({
        epochSecret: secret,
        n: 4,
        operations: new Uint8Array(operations),
        associatedData: secret,
        random,
      }).byteLength;
    expect(new Set([0, 1, 50, 116, 252].map(bodyBytes))).toEqual(new Set([256 + 81]));
    expect(new Set(Array.from({ length: 1000 }, (_, index) => bodyBytes(100_400 + index))).size).toBe(1);
    expect(bodyBytes(commitLimits.operationBytes)).toBe(commitLimits.bodyBytes);
  });

  test('commit bodies open in their place and epoch alone', () => {
    const associatedData = utf8('this commit');
    const body = sealCommitBody({ epochSecret: secret, n: 4, operations: utf8('operations'), associatedData, random });
    const open = { epochSecret: secret, n: 4, associatedData, body };
    expect(openCommitBody(open)).toEqual(utf8('operations'));
    expect(codeOf(() => openCommitBody({ ...open, n: 5 }))).toBe('INTEGRITY');
    expect(codeOf(() => openCommitBody({ ...open, associatedData: utf8('another') }))).toBe('INTEGRITY');
  });
});

test('login proofs differ by side, key and transcript', () => {
  const key = random.bytes(64);
  const proofs = [
    loginProof(key, 'client', utf8('t')),
    loginProof(key, 'server', utf8('t')),
    loginProof(key, 'client', utf8('u')),
    loginProof(random.bytes(64), 'client', utf8('t')),
  ];
  expect(new Set(proofs.map((proof) => Buffer.from(proof).toString('hex'))).size).toBe(4);
  expect(loginProof(key, 'client', utf8('t'))).toEqual(proofs[0]);
});
