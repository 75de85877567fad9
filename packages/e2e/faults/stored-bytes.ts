import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Vault } from '../src/index.ts';

/** Bytes of all chunk packs of the server. */
export function storedBytes({ storage }: Vault): number {
  return globSync(join(storage, 'users/*/chunks/*.pack')).reduce((sum, pack) => sum + statSync(pack).size, 0);
}
