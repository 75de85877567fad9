import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { program } from './programs.ts';

/** The first line that a program says about its version, on whichever stream. */
export function firstLine([name, ...args]: readonly [string, ...string[]]): string {
  const { stdout, stderr } = spawnSync(program(name), args, { encoding: 'utf8' });
  return (stdout + stderr).trim().split('\n')[0]?.trim() ?? '';
}

/** Coffer's own version. */
export function version(): string {
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return `coffer ${(JSON.parse(manifest) as { version: string }).version}`;
}
