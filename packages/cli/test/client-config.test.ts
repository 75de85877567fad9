import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { clientConfig } from '../src/client-config.ts';

const parent = mkdtempSync(join(tmpdir(), 'coffer-config-'));
afterAll(() => rmSync(parent, { recursive: true, force: true }));

let number = 0;
function profileWith(text?: string): { readonly path: string } {
  const path = mkdtempSync(join(parent, `${(number += 1)}-`));
  if (text !== undefined) writeFileSync(join(path, 'config.yaml'), text);
  return { path };
}

test.each([
  [undefined, {}, 15 * 60_000],
  ['', {}, 15 * 60_000],
  ['lockAfter: 5min\n', {}, 5 * 60_000],
  ['lockAfter: never\n', {}, Number.POSITIVE_INFINITY],
  ['lockAfter: 5min\n', { COFFER_LOCK_AFTER: '1h' }, 3_600_000],
])('the environment comes before the file, and that before what is usual: %j %j', async (text, env, expected) => {
  expect((await clientConfig(profileWith(text), env)).lockAfter).toBe(expected);
});

test.each([
  [
    'lockafter: 5min',
    { message: expect.stringContaining('unknown setting lockafter'), hint: 'Did you mean lockAfter?' },
  ],
  ['lockAfter: soon', { message: expect.stringContaining('lockAfter: "soon" is not a time') }],
  ['lockAfter: [1', { message: expect.stringContaining('not valid YAML') }],
  ['- 1', { message: expect.stringContaining('holds no settings') }],
  ['a: &a [1]\nlockAfter: *a', { message: expect.stringContaining('aliases are not allowed') }],
  ['x'.repeat(70_000), { message: expect.stringContaining('larger than') }],
])('what is wrong is named: %s', async (text, problem) => {
  const reading = clientConfig(profileWith(text), {});
  await expect(reading).rejects.toMatchObject({ code: 'CONFIG', ...problem });
});
