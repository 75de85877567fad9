import { expect, test } from '@jest/globals';
import { systemRandom } from '@coffer/core';
import { epochKeys, newEpochSecret, sealEpochLink } from '@coffer/crypto';
import { EpochSecrets } from '../src/state/epoch-secrets.ts';

test('whoever holds the last of very many epochs gets the first', () => {
  const vault = systemRandom.bytes(32);
  const last = 20_000;
  const first = newEpochSecret(systemRandom);
  let secret = first;
  const records = [{ n: 0, commitment: epochKeys(first, 0).commitment, link: null as Uint8Array | null }];
  for (let n = 1; n <= last; n += 1) {
    const previous = secret;
    secret = newEpochSecret(systemRandom);
    const link = sealEpochLink({ vault, n, secret, previous, random: systemRandom });
    records.push({ n, commitment: epochKeys(secret, n).commitment, link });
  }
  const [server, account] = [systemRandom.bytes(16), systemRandom.bytes(16)];
  const given = [{ n: last, secret }];
  const secrets = new EpochSecrets(vault, {
    server,
    account,
    worker: undefined,
    sealSeed: systemRandom.bytes(32),
    given,
  });
  for (const record of records) secrets.learn(record);
  expect(secrets.secret(0)).toEqual(first);
  expect(secrets.secret(last + 1)).toBeUndefined();
});
