import { toHex } from '@coffer/core';
import { RealServer } from '../test/support/real-server.ts';

/** A daemon of its own process for benchmarks: prints where it is, ends with its standard input. */
const server = await RealServer.open(process.argv[2]);
console.log(JSON.stringify({ port: server.port, pin: toHex(server.pin) }));
const report = (): void => {
  const { user, system } = process.cpuUsage();
  console.log(
    JSON.stringify({
      cpuMs: Math.round((user + system) / 1000),
      maxRssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    }),
  );
};
process.stdin.on('data', report);
process.stdin.on('end', () => {
  void server[Symbol.asyncDispose]().then(() => process.exit(0));
});
