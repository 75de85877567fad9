import { readFileSync } from 'node:fs';
import { fromHex, toHex } from '@coffer/core';
import { describe, expect, test } from '@jest/globals';
import {
  bodyAssociatedData,
  encodeOperations,
  encodeSegment,
  foldChain,
  foldIdentity,
  IdentityChains,
  judgeCommit,
  matchOperations,
  openCertificate,
  openVault,
  parseCommit,
  parseIdentityStatement,
  parseOperations,
  parseSegment,
  segmentId,
  workerFingerprint,
  workersOf,
} from '@coffer/journal';
import type { VaultState } from '@coffer/journal';
import { outcome } from './expect-code.ts';

interface Vectors {
  readonly valid: {
    readonly statements: readonly string[];
    readonly statementHashes: readonly string[];
    readonly fingerprints: Readonly<Record<'identity' | 'worker' | 'rotated' | 'authority', string>>;
    readonly vault: string;
    readonly commits: readonly string[];
    readonly commitHashes: readonly string[];
    readonly associatedData: string;
    readonly operations: unknown;
    readonly certificates: Readonly<Record<string, string>>;
    readonly segment: { readonly payload: string; readonly id: string };
  };
  readonly refused: readonly Refused[];
}

interface Refused {
  readonly kind: 'statement' | 'commit' | 'certificate' | 'operations' | 'segment';
  readonly name: string;
  readonly expect: string;
  readonly after?: number;
  readonly bytes: string;
}

const file = new URL('vectors/journal-v1.json', import.meta.url);
const { valid, refused } = JSON.parse(readFileSync(file, 'utf8')) as Vectors;
const statements = valid.statements.map(fromHex);
const commits = valid.commits.map(fromHex);
const authority = fromHex(valid.fingerprints.authority);

const directory = new IdentityChains();
directory.append(foldChain(statements).account, statements);

/** The state after the first `count` commits. */
function stateAfter(count: number): VaultState {
  const [genesis, ...rest] = commits.slice(0, count).map(parseCommit);
  if (genesis === undefined) throw new RangeError('a state needs a commit');
  return rest.reduce((state, commit) => judgeCommit(state, commit, directory), openVault(genesis, directory));
}

describe('records written by another program', () => {
  test('an identity chain', () => {
    expect(statements.map((bytes) => toHex(parseIdentityStatement(bytes).hash))).toEqual(valid.statementHashes);
    expect(toHex(foldChain(statements.slice(0, 4)).fingerprint)).toBe(valid.fingerprints.identity);
    const state = foldChain(statements);
    expect(toHex(state.fingerprint)).toBe(valid.fingerprints.rotated);
    expect(workersOf(state, fromHex(valid.vault)).map((one) => toHex(workerFingerprint(one)))).toEqual([
      valid.fingerprints.worker,
    ]);
  });

  test('a vault', () => {
    const parsed = commits.map(parseCommit);
    expect(parsed.map(({ vault }) => toHex(vault))).toEqual(commits.map(() => valid.vault));
    expect(parsed.slice(0, 3).map(({ hash }) => toHex(hash))).toEqual(valid.commitHashes);
    const state = stateAfter(4);
    expect(state).toMatchObject({ seq: 4, epoch: 1, epochSeq: 3, policy: { versions: 9, days: 30, trashDays: 7 } });
  });

  test('operations, which are written back to the same bytes', () => {
    const { header, body } = parseCommit(commits[1] ?? new Uint8Array(0));
    const operations = parseOperations(body);
    expect(plain(operations)).toEqual(valid.operations);
    expect(encodeOperations(operations)).toEqual(body);
    expect(matchOperations(header.refs, operations, { kind: 'home', genesis: false })).toEqual({ drops: [] });
    expect(toHex(bodyAssociatedData(header))).toBe(valid.associatedData);
  });

  test.each(Object.entries(valid.certificates))('a certificate of a %s', (type, hex) => {
    expect(openCertificate(fromHex(hex), authority).type).toBe(type);
  });

  test('a segment', () => {
    const payload = fromHex(valid.segment.payload);
    expect(encodeSegment(parseSegment(payload))).toEqual(payload);
    expect(toHex(segmentId(payload))).toBe(valid.segment.id);
  });
});

describe('what must be refused', () => {
  test.each(refused)('$kind: $name', (vector) => {
    expect(outcome(() => read(vector))).toBe(vector.expect);
  });
});

function read({ kind, after = 1, bytes: hex }: Refused): unknown {
  const bytes = fromHex(hex);
  switch (kind) {
    case 'statement':
      return foldIdentity(foldChain(statements.slice(0, after)), bytes);
    case 'commit':
      return judgeCommit(stateAfter(after), parseCommit(bytes), directory);
    case 'certificate':
      return openCertificate(bytes, authority);
    case 'operations':
      return parseOperations(bytes);
    case 'segment':
      return parseSegment(bytes);
    default:
      throw new RangeError(`no such kind: ${String(kind)}`);
  }
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { hex: toHex(value) };
  return Array.isArray(value) ? value.map(plain) : value;
}
