import { CofferError, idKey } from '@coffer/core';
import type { RequestDesk } from './request-desk.ts';

/** Hex digits of a whole id. */
const wholeId = 32;

/** The request that begins with these hex digits; one that the list has no room for by its whole id. @throws NOT_FOUND, INVALID for several */
export async function findRequest(
  desk: Pick<RequestDesk, 'list' | 'show'>,
  digits: string,
): Promise<{ readonly request: Uint8Array }> {
  const wanted = digits.toLowerCase();
  const [only, another] = (await desk.list()).filter(({ request }) => idKey(request).startsWith(wanted));
  if (only !== undefined && another === undefined) return only;
  // Strangers can fill the list, and must not keep out of it what a person has asked for.
  if (only === undefined && wanted.length === wholeId) return await desk.show(Uint8Array.fromHex(wanted));
  const what = only === undefined ? 'there is no such request' : 'several requests begin like this';
  throw new CofferError(only === undefined ? 'NOT_FOUND' : 'INVALID', what, { hint: 'See `coffer admin requests`.' });
}
