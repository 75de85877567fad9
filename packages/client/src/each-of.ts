import { isCofferError } from '@coffer/core';
import type { CofferError } from '@coffer/core';

/** Does it with each; what one of them meets alone keeps none of the others back. @throws that, the first; at once what all would meet */
export async function eachOf<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let failure: CofferError | undefined;
  for await (const item of items) {
    try {
      await work(item);
    } catch (error) {
      if (!isCofferError(error) || isAboutAll(error)) throw error;
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
}

/** What the next one would meet as well. */
export function isAboutAll({ code }: CofferError): boolean {
  return ['UNREACHABLE', 'TIMEOUT', 'BUSY', 'SHUTTING_DOWN', 'CANCELLED', 'NOT_LOGGED_IN'].includes(code);
}
