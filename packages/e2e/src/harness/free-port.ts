import { once } from 'node:events';
import { createServer } from 'node:net';

/** Ports below the range from which systems take the near end of outgoing connections (Linux from 32768). */
const firstPort = 20_000;
const portCount = 12_000;
const attempts = 50;

/**
 * A TCP port of 127.0.0.1 that nobody listened on a moment ago. It lies outside the range of outgoing connections,
 * so that a daemon killed and started again does not find its port taken by someone's client.
 * @throws Error when fifty in a row are taken
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = firstPort + Math.floor(Math.random() * portCount);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port found in ${attempts} attempts`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, host: '127.0.0.1', exclusive: true });
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
