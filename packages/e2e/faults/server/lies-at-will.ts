import type { Handlers, OperationName } from '@coffer/protocol';
import type { Interposer } from '@coffer/server';

/** Handlers in the place of the honest ones, which they are given. */
export type Lies = { [Op in OperationName]?: (honest: Handlers<unknown>[Op]) => Handlers<unknown>[Op] };

/** What a server is made to say, from now on and until it is taken back, and what it was asked. */
export class LiesAtWill {
  lies: Lies = {};
  /** Every operation that somebody called, in order. */
  readonly called: OperationName[] = [];

  get interposer(): Interposer {
    return { handlers: (honest) => this.#lying(honest) };
  }

  #lying<Context>(honest: Handlers<Context>): Handlers<Context> {
    return new Proxy(honest, {
      get: (target, name) => {
        const own = Reflect.get(target, name) as (...parts: unknown[]) => unknown;
        return (...parts: unknown[]) => {
          this.called.push(name as OperationName);
          const lie = this.lies[name as OperationName] as ((one: typeof own) => typeof own) | undefined;
          return (lie?.(own) ?? own)(...parts);
        };
      },
    });
  }
}
