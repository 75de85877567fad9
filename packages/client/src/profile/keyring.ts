import { CofferError, fromHex, toHex } from '@coffer/core';

/** Where a wrapping key can be left with the operating system. */
export interface Keyring {
  /** @throws IO when there is no keyring that keeps secrets over a restart */
  save(name: string, key: Uint8Array): Promise<void>;
  load(name: string): Promise<Uint8Array | undefined>;
  remove(name: string): Promise<void>;
}

const service = 'coffer';

/** The system's own keyring. Its native library is loaded when first used. */
export const systemKeyring: Keyring = {
  save: async (name, key) => withEntry(name, (entry) => entry.setPassword(toHex(key))),
  load: async (name) =>
    withEntry(name, async (entry) => {
      const text = await entry.getPassword();
      return text === null || text === undefined ? undefined : fromHex(text);
    }),
  remove: async (name) => withEntry(name, async (entry) => void (await entry.deletePassword())),
};

interface KeyringEntry {
  setPassword(password: string): Promise<void>;
  getPassword(): Promise<string | null | undefined>;
  deletePassword(): Promise<boolean>;
}

async function withEntry<Result>(name: string, work: (entry: KeyringEntry) => Promise<Result>): Promise<Result> {
  try {
    const { AsyncEntry } = await import('@napi-rs/keyring');
    // The library's default on Linux is the kernel's session keyring, which dies with the boot.
    return await work(new AsyncEntry(service, name, { linux: { store: 'secret-service' } }));
  } catch (cause) {
    throw new CofferError('IO', "the system's keyring could not be used", {
      hint: 'Start a session with a keyring (Secret Service), or log in with --keystore password.',
      cause,
    });
  }
}
