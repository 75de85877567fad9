import type { Handlers, OperationName } from '@coffer/protocol';

/** Handlers in place of the honest ones, which they are given. */
export interface Lies {
  handlers: { [Op in OperationName]?: (honest: Handlers<unknown>[Op]) => Handlers<unknown>[Op] };
}

/** All handlers, those that lie now in the place of the honest ones. */
export function lying<Context>(honest: Handlers<Context>, lies: Lies): Handlers<Context> {
  return new Proxy(honest, {
    get: (target, name) => {
      const own = Reflect.get(target, name) as (...parts: unknown[]) => unknown;
      return (...parts: unknown[]) => {
        const lie = lies.handlers[name as OperationName] as ((one: typeof own) => typeof own) | undefined;
        return (lie?.(own) ?? own)(...parts);
      };
    },
  });
}
