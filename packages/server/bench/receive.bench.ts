/**
 * How fast does the daemon take sealed chunks over real TLS, beside a bare TLS copy of the same bytes, and how much memory
 * does it take? Bounds: 500 MB/s for 1 MiB chunks when the storage allows, 300 MiB with 8 clients (BARS §Speed).
 *
 *   node packages/server/bench/receive.bench.ts [clients=1] [MiB each=1024] [folder=/dev/shm] [chunk KiB=1024]
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { connect, type TLSSocket } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { concatBytes, GiB, KiB, MiB, silentLogger, systemClock, systemRandom, u64 } from '@coffer/core';
import { TestAccount, TestVault } from '@coffer/journal/testing';
import { writeTestCertificates } from '@coffer/server/testing';
import { Listener } from '../src/net/listener.ts';
import { loadTlsCredentials } from '../src/net/tls-credentials.ts';
import { frames, open, TestDaemon, TestSite } from '../test/support/test-daemon.ts';

interface Job {
  readonly mode: 'coffer' | 'bare';
  readonly port: number;
  readonly totalBytes: number;
  readonly chunkBytes: number;
  readonly seed: number;
  readonly server: readonly number[];
}

/** As `serve` runs it: see there why. */
setFlagsFromString('--external-memory-accounted-in-global-limit');
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--heap-growing-percent=50');

if (process.argv[2] === 'client') process.once('message', (job: Job) => void client(job));
else await main(process.argv.slice(2).map(String));

async function main([
  clients = '1',
  mib = '1024',
  folder = '/dev/shm',
  chunkKib = '1024',
]: readonly string[]): Promise<void> {
  const load = { clients: Number(clients), totalBytes: Number(mib) * MiB, chunkBytes: Number(chunkKib) * KiB };
  const base = await mkdtemp(join(folder, 'coffer-bench-'));
  try {
    for (let round = 1; round <= 3; round += 1) {
      const bare = await bareRate(join(base, `bare-${round}`), load);
      const coffer = await cofferRate(base, load);
      console.log(
        `round ${round}: bare TLS ${text(bare)}; daemon ${text(coffer)}; ratio ${(coffer.rate / bare.rate).toFixed(2)}`,
      );
    }
    console.log(`peak memory of the process that serves: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

interface Measured {
  /** MB/s, all clients together. */
  readonly rate: number;
  /** Of the serving process: what remains comparable on a busy machine. */
  readonly cpuSecondsPerGiB: number;
  /** Of its main thread, which alone bounds the rate when there are cores enough. */
  readonly mainSecondsPerGiB: number;
  readonly rssMiB: number;
}

interface Load {
  readonly clients: number;
  readonly totalBytes: number;
  readonly chunkBytes: number;
}

/** MB/s of nothing but TLS: what is received is dropped. */
async function bareRate(folder: string, load: Load): Promise<Measured> {
  await writeTestCertificates(folder);
  const credentials = await loadTlsCredentials(folder, systemClock);
  const limits = { maxConnections: 100, maxPerAddress: 100, handshakeMs: 5000 };
  const onCoffer = (socket: TLSSocket): void => void socket.resume();
  await using listener = await Listener.open(
    { host: '127.0.0.1', port: 0, credentials, limits },
    { clock: systemClock, logger: silentLogger, onCoffer, onHttp: () => undefined },
  );
  return await runClients(load, { mode: 'bare', port: listener.port, server: [] });
}

async function cofferRate(base: string, load: Load): Promise<Measured> {
  const site = await TestSite.make(base);
  for (let seed = 1; seed <= load.clients; seed += 1) await site.addAccount(`user${seed}`, seed);
  try {
    await using daemon = await TestDaemon.open(site);
    return await runClients(load, { mode: 'coffer', port: daemon.port, server: [...site.server] });
  } finally {
    await rm(site.folder, { recursive: true, force: true });
  }
}

/** All clients at once; from the first byte to the last answer. */
async function runClients(
  { clients, totalBytes, chunkBytes }: Load,
  target: Pick<Job, 'mode' | 'port' | 'server'>,
): Promise<Measured> {
  const children = Array.from({ length: clients }, () =>
    fork(import.meta.filename, ['client'], { execArgv: process.execArgv }),
  );
  children.forEach((child, index) => child.send({ ...target, totalBytes, chunkBytes, seed: index + 1 } satisfies Job));
  await Promise.all(children.map((child) => said(child, 'ready')));
  const [began, cpu, mainCpu] = [performance.now(), process.cpuUsage(), process.threadCpuUsage()];
  for (const child of children) child.send('go');
  await Promise.all(children.map((child) => said(child, 'done')));
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const thread = process.threadCpuUsage(mainCpu);
  const bytes = clients * totalBytes;
  return {
    rate: bytes / 1e6 / seconds,
    cpuSecondsPerGiB: (user + system) / 1e6 / (bytes / GiB),
    mainSecondsPerGiB: (thread.user + thread.system) / 1e6 / (bytes / GiB),
    rssMiB: process.memoryUsage.rss() / MiB,
  };
}

function text({ rate, cpuSecondsPerGiB, mainSecondsPerGiB, rssMiB }: Measured): string {
  return `${rate.toFixed(0)} MB/s, ${cpuSecondsPerGiB.toFixed(2)} CPU s/GiB (main thread ${mainSecondsPerGiB.toFixed(2)}), ${rssMiB.toFixed(0)} MiB`;
}

async function said(child: ChildProcess, word: string): Promise<void> {
  for (;;) {
    const [message] = (await Promise.race([once(child, 'message'), once(child, 'exit').then(endedEarly)])) as [unknown];
    if (message === word) return;
  }
}

function endedEarly(): never {
  throw new Error('a client ended before its work was done');
}

async function client(job: Job): Promise<void> {
  const send = job.mode === 'bare' ? await bareClient(job) : await cofferClient(job);
  process.send?.('ready');
  await once(process, 'message');
  await send();
  process.send?.('done');
  process.disconnect?.();
}

async function bareClient({ port, totalBytes, chunkBytes }: Job): Promise<() => Promise<void>> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['coffer/1'] });
  await once(socket, 'secureConnect');
  const chunk = Buffer.from(systemRandom.bytes(chunkBytes));
  return async () => {
    for (let sent = 0; sent < totalBytes; sent += chunkBytes) if (!socket.write(chunk)) await once(socket, 'drain');
    socket.end();
    await once(socket, 'close');
  };
}

async function cofferClient({ port, totalBytes, chunkBytes, seed, server }: Job): Promise<() => Promise<void>> {
  const account = new TestAccount(seed, Uint8Array.from(server));
  const device = account.enroll();
  const control = await open(port, device);
  const vault = new TestVault({ owner: account });
  await control.connection.request('vault.create', {}, { data: frames(vault.genesis.bytes) });
  await control[Symbol.asyncDispose]();
  const bulk = await open(port, device, 'bulk');
  const chunk = systemRandom.bytes(chunkBytes);
  let made = 0;
  const chunks = async function* (bytes: number) {
    for (let sent = 0; sent < bytes; sent += chunkBytes)
      yield [concatBytes(u64((made += 1)), new Uint8Array(24)), chunk];
  };
  return async () => {
    // As a client does: an answer, and with it a flush, every 64 MiB.
    for (let sent = 0; sent < totalBytes; sent += 64 * MiB) {
      await bulk.connection.request('chunk.put', { vault: vault.id, kind: 'chunk' }, { data: chunks(64 * MiB) });
    }
    await bulk[Symbol.asyncDispose]();
  };
}
