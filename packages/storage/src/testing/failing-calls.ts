import { CofferError } from '@coffer/core';
import type { ErrorCode } from '@coffer/core';

export interface CallFault<Target> {
  /** Only calls of these methods count. */
  readonly methods: readonly (keyof Target & string)[];
  /** The how-manieth of them fails, from 1 on; all later ones fail too. */
  readonly at: number;
  readonly code: ErrorCode;
  /** True: the call does its work and then fails, as when the answer is lost. */
  readonly afterwards?: boolean;
}

/** Any asynchronous interface ({@link Packs}, {@link Facts}), with calls that fail from the n-th on. */
export function failingCalls<Target extends object>(target: Target, fault: CallFault<Target>): Target {
  let count = 0;
  return new Proxy(target, {
    get(object, name) {
      const value: unknown = Reflect.get(object, name, object);
      if (typeof value !== 'function') return value;
      if (!fault.methods.includes(name as keyof Target & string)) return value.bind(object);
      return async (...args: readonly unknown[]): Promise<unknown> => {
        count += 1;
        if (count < fault.at) return value.apply(object, args);
        if (fault.afterwards) await value.apply(object, args);
        throw new CofferError(fault.code, `injected into ${String(name)}`);
      };
    },
  });
}
