import { expect, test } from '@jest/globals';
import { comparisonWords } from '../src/index.ts';

const server = new Uint8Array(16).fill(7);
const alice = { account: new Uint8Array(16).fill(1), fingerprint: new Uint8Array(32).fill(2) };
const bob = { account: new Uint8Array(16).fill(3), fingerprint: new Uint8Array(32).fill(4) };

test('both sides see the same twelve words', () => {
  const words = comparisonWords(server, [alice, bob]);
  expect(words).toHaveLength(12);
  expect(comparisonWords(server, [bob, alice])).toEqual(words);
  expect(words).toEqual('sell initial category river idle essence fence way either rule antenna chief'.split(' '));
});

test.each([
  ['key', [alice, { ...bob, fingerprint: new Uint8Array(32).fill(5) }]],
  ['account', [alice, { ...bob, account: new Uint8Array(16).fill(6) }]],
  ['own key', [{ ...alice, fingerprint: new Uint8Array(32).fill(9) }, bob]],
] as const)('another %s gives other words', (_what, both) => {
  expect(comparisonWords(server, [...both])).not.toEqual(comparisonWords(server, [alice, bob]));
});

test('another server gives other words', () => {
  expect(comparisonWords(new Uint8Array(16), [alice, bob])).not.toEqual(comparisonWords(server, [alice, bob]));
});
