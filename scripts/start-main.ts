/**
 * `npm start [-- FOLDER]`: a server of your own on this machine, an account, and the main job once.
 * On a terminal it ends in the terminal UI; otherwise everything is checked, reported and stopped.
 */
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { CofferRunner } from './quick-start/coffer-runner.ts';
import { printReport, roundTrip } from './quick-start/round-trip.ts';
import { ensureAccounts, ensureLogin, startServer } from './quick-start/server.ts';

const root = resolve(import.meta.dirname, '..');
/** CLI §Exit codes. */
const interrupted = 130;
const folder = resolve(root, process.argv[2] ?? 'docs');

async function main(): Promise<number> {
  const coffer = new CofferRunner(root);
  const invite = await ensureAccounts(coffer);
  await using server = await startServer(coffer);
  await ensureLogin(coffer, invite);
  const report = await roundTrip(coffer, folder);
  printReport(report);
  if (!report.equal) return 1;
  if (!process.stdout.isTTY || !process.stdin.isTTY) return 0;
  console.log(howToUse(server.address));
  if (invite !== undefined && !(await enterPressed(server.stopped))) return interrupted;
  return await coffer.atTerminal(['ui']);
}

/** What was shown once would be hidden by what follows. False when the server was stopped instead, by Ctrl-C. */
async function enterPressed(stopped: Promise<void>): Promise<boolean> {
  console.log('\nHave you written down the passphrases above? Enter opens the terminal UI.');
  const lines = createInterface({ input: process.stdin, terminal: false });
  try {
    const pressed = Promise.race([once(lines, 'line'), once(lines, 'close')]).then(() => true);
    return await Promise.race([pressed, stopped.then(() => false)]);
  } finally {
    lines.close();
  }
}

function howToUse(address: string): string {
  const coffer = 'node_modules/.bin/coffer --home .coffer';
  return [
    '',
    `The server is running on ${address}, as long as the terminal UI that follows; q leaves it.`,
    'In another terminal, in this folder:',
    `  ${coffer} ls /                      what is in your vault`,
    `  ${coffer} sync ~/Pictures           put a folder into it`,
    `  ${coffer} sync ~/Pictures --mode pull   bring it back on this or another machine`,
    `  ${coffer} --help                    everything else`,
  ].join('\n');
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
