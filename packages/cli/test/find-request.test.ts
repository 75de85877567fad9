import { CofferError, idKey } from '@coffer/core';
import type { RequestDetails, ShownRequest } from '@coffer/server';
import { expect, test } from '@jest/globals';
import { findRequest } from '../src/find-request.ts';

const requestOf = (hex: string) => ({ request: Uint8Array.fromHex(hex) });
const hidden = 'cc'.repeat(16);

/** Lists two, and knows a third. */
const desk = {
  list: async () => ['aa'.repeat(16), `aaaaaa${'b'.repeat(26)}`].map(requestOf) as unknown as ShownRequest[],
  show: async (request: Uint8Array) => {
    if (idKey(request) !== hidden) throw new CofferError('NOT_FOUND', 'there is no such request');
    return { request } as unknown as RequestDetails;
  },
};

test('a request is found by its first digits, and by its whole id also where the list ends before it', async () => {
  const found = async (digits: string): Promise<string> => idKey((await findRequest(desk, digits)).request);
  expect(await found('AAAAAAB')).toBe(`aaaaaa${'b'.repeat(26)}`);
  expect(await found(hidden)).toBe(hidden);
  await expect(found('aaaaaa')).rejects.toMatchObject({ code: 'INVALID' });
  await expect(found('cccccc')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(found('dd'.repeat(16))).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
