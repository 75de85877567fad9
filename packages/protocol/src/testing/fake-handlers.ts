import { CofferError } from '@coffer/core';
import type { Handlers } from '../handlers.ts';
import { operations, type OperationName } from '../operations/table.ts';

/** Handlers for tests: those given, and NOT_FOUND for all others. */
export function fakeHandlers<Context>(some: Partial<Handlers<Context>>): Handlers<Context> {
  const missing = async (): Promise<never> => {
    throw new CofferError('NOT_FOUND', 'this server does nothing of the kind');
  };
  const names = Object.keys(operations) as OperationName[];
  const all = Object.fromEntries(names.map((name) => [name, some[name] ?? missing]));
  return all as unknown as Handlers<Context>;
}
