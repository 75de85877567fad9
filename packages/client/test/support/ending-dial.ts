import { systemClock } from '@coffer/core';
import { createTlsDial } from '../../src/index.ts';
import type { Dial } from '../../src/index.ts';

/** A way to the server on which everything ends at the n-th write. */
export function endingAt(writes: number, end: () => void): Dial {
  const dial = createTlsDial({ clock: systemClock });
  let count = 0;
  return async (...parts) => {
    const dialled = await dial(...parts);
    const { transport } = dialled;
    const write = (bytes: readonly Uint8Array[]): Promise<void> => {
      count += 1;
      if (count === writes) end();
      return transport.write(bytes);
    };
    const counted = new Proxy(transport, {
      get: (target, name) => {
        const value: unknown = name === 'write' ? write : Reflect.get(target, name, target);
        return typeof value === 'function' && name !== 'write' ? (value.bind(target) as unknown) : value;
      },
    });
    return { ...dialled, transport: counted };
  };
}
