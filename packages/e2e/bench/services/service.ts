import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Child, cleanEnvironment } from '../../src/index.ts';

const readyMs = 10_000;
const pollMs = 20;

export interface ServiceOptions {
  readonly argv: readonly [string, ...string[]];
  readonly home: string;
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a peer's server and waits until it accepts connections. @throws Error with what it said when it does not */
export async function startService({ argv, home, port, env = {} }: ServiceOptions): Promise<Child> {
  const child = new Child(argv, { env: { ...cleanEnvironment(home), ...env }, diesWithUs: true });
  const deadline = performance.now() + readyMs;
  while (!(await accepts(port))) {
    if (child.running && performance.now() < deadline) {
      await delay(pollMs);
      continue;
    }
    await child[Symbol.asyncDispose]();
    throw new Error(`${argv.join(' ')} does not accept connections\n${child.stderr}${child.stdout}`.slice(0, 4000));
  }
  return child;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
