import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { isCofferError, systemClock } from '@coffer/core';
import { loadTlsCredentials } from '@coffer/server';
import { makeTestCertificate, writeTestCertificates } from '@coffer/server/testing';
import { tempFolder } from './support/temp-folder.ts';

const day = 24 * 60 * 60 * 1000;

async function refusal(spoil: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = await tempFolder();
  await writeTestCertificates(folder);
  await spoil(folder);
  try {
    await loadTlsCredentials(folder, systemClock);
  } catch (error) {
    if (isCofferError(error, 'CERTIFICATE')) return `${error.message} | ${error.hint}`;
    throw error;
  }
  return 'accepted';
}

describe('loadTlsCredentials', () => {
  test('a fitting pair is accepted', async () => {
    expect(await refusal(async () => undefined)).toBe('accepted');
  });

  test.each<[string, (folder: string) => Promise<unknown>, RegExp]>([
    [
      'missing certificate',
      (folder) => rm(join(folder, 'server.pem')),
      /server\.pem cannot be read \| .*generate-certificates/,
    ],
    ['missing key', (folder) => rm(join(folder, 'server.key')), /server\.key cannot be read/],
    ['no certificate', (folder) => writeFile(join(folder, 'server.pem'), 'hello'), /no usable certificate/],
    ['no key', (folder) => writeFile(join(folder, 'server.key'), 'hello'), /no usable certificate or key/],
    ['huge file', (folder) => writeFile(join(folder, 'server.key'), Buffer.alloc(1024 * 1024)), /cannot be read/],
    [
      'key of another',
      (folder) => writeFile(join(folder, 'server.key'), makeTestCertificate().keyPem),
      /do not belong together/,
    ],
    [
      'expired',
      (folder) => writeTestCertificates(folder, { notAfter: new Date(Date.now() - day / 2) }),
      /expired on .*generate-certificates/,
    ],
    [
      'from the future',
      (folder) => writeTestCertificates(folder, { notBefore: new Date(Date.now() + day) }),
      /not valid before .*clock/,
    ],
  ])('%s is refused with its reason', async (_name, spoil, reason) => {
    expect(await refusal(spoil)).toMatch(reason);
  });
});
