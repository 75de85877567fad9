import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Vault } from '../src/index.ts';

const pollMs = 10;
const patienceMs = 30_000;

/** Resolves when `/ready` says yes. @throws Error when it does not in 30 s */
export async function untilReady(vault: Vault): Promise<void> {
  const ca = readFileSync(join(vault.certs, 'ca.pem'));
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline) {
    if ((await statusOf(`https://${vault.daemon.address}/ready`, ca)) === 200) return;
    await setTimeout(pollMs);
  }
  throw new Error('the daemon is not ready');
}

function statusOf(url: string, ca: Uint8Array): Promise<number | undefined> {
  return new Promise((resolve) => {
    get(url, { ca: Buffer.from(ca), agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', () => resolve(undefined));
  });
}
