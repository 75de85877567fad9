import { expect, test } from '@jest/globals';
import { CofferError } from '@coffer/core';
import type { ErrorCode } from '@coffer/core';
import { eachOf } from '../src/each-of.ts';

/** Does it with 1 to 4; 2 and 3 fail. Gives those that were begun. */
async function begunWhen(code: ErrorCode): Promise<{ readonly begun: readonly number[]; readonly failure: unknown }> {
  const begun: number[] = [];
  const work = async (item: number): Promise<void> => {
    begun.push(item);
    if (item === 2 || item === 3) throw new CofferError(code, `of ${item}`);
  };
  const failure = await eachOf([1, 2, 3, 4], work).catch((error: unknown) => error);
  return { begun, failure };
}

test('what one meets alone keeps none of the others back, and the first failure is told at the end', async () => {
  const { begun, failure } = await begunWhen('INTEGRITY');
  expect(begun).toEqual([1, 2, 3, 4]);
  expect(failure).toMatchObject({ code: 'INTEGRITY', message: 'of 2' });
});

test('what all would meet ends it at once', async () => {
  const { begun, failure } = await begunWhen('UNREACHABLE');
  expect(begun).toEqual([1, 2]);
  expect(failure).toMatchObject({ code: 'UNREACHABLE' });
});
