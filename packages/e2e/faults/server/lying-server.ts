import { silentLogger, systemClock, systemRandom } from '@coffer/core';
import { Daemon, loadServerConfig, silentAudit } from '@coffer/server';
import type { Interposer } from '@coffer/server';

export interface LyingServerOptions {
  readonly storage: string;
  readonly certs: string;
  readonly port: number;
  /** How it lies. */
  readonly interposer?: Interposer | undefined;
}

/**
 * A server in the hands of somebody who has its keys and its storage, on the address that its clients know. It runs in
 * this process, and is honest but for the lie. The caller disposes it.
 */
export async function openLyingServer(options: LyingServerOptions): Promise<AsyncDisposable> {
  const { storage, certs, port, interposer } = options;
  const flags = { 'storage.path': storage, 'certs.path': certs, 'listen.port': port };
  const { config } = await loadServerConfig({ environment: {}, flags });
  return await Daemon.open(config, {
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    audit: silentAudit,
    onFatal: (error) => {
      throw error;
    },
    ...(interposer && { interposer }),
  });
}
