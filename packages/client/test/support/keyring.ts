import type { Keyring } from '../../src/index.ts';

/** For tests that must not touch the system's keyring. */
export const noKeyring: Keyring = { save: refuse, load: refuse, remove: refuse };

function refuse(): never {
  throw new TypeError('no keyring is used here');
}

/** A keyring that lives as long as the test. */
export class MemoryKeyring implements Keyring {
  readonly keys = new Map<string, Uint8Array>();

  async save(name: string, key: Uint8Array): Promise<void> {
    this.keys.set(name, key);
    return Promise.resolve();
  }

  async load(name: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.keys.get(name));
  }

  async remove(name: string): Promise<void> {
    this.keys.delete(name);
    return Promise.resolve();
  }
}
