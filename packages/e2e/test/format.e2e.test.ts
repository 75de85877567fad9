import { expect, test } from '@jest/globals';
import { refuseNewerFormats } from '../faults/format/refuse-newer-formats.ts';

test('packs, databases and commits of a newer format are refused and left as they are', async () => {
  const { refused, files } = await refuseNewerFormats(20_261_127);
  expect(refused).toHaveLength(6);
  expect(files).toBeGreaterThan(5);
}, 240_000);
