import { spawnSync } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { completionScripts } from '../src/completion.ts';
import type { Streams } from '../src/output.ts';
import { commandNames, commandWords } from '../src/program.ts';

const streams = {
  stdin: new PassThrough(),
  stdout: new PassThrough(),
  stderr: new PassThrough(),
} as unknown as Streams;
const all = commandWords(streams);

/** What bash offers for a line whose last word is being written. */
function offered(...words: string[]): string[] {
  const script = `${completionScripts.bash(all)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _coffer; printf '%s\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', 'coffer', ...words], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

describe('completion of the command line', () => {
  test('bash offers commands, those of a group, and options', () => {
    expect(offered('ver')).toEqual(['verify', 'versions', 'verify-person']);
    expect(offered('admin', 'user', 'sus')).toEqual(['suspend']);
    expect(offered('--json', 'admin', 'user', '')).toEqual(expect.arrayContaining(['add', 'list', '--help']));
    expect(offered('sync', 'folder', '--max')).toEqual(['--max-file-size', '--max-delete']);
    // Of a file that is called like a command nothing follows.
    expect(offered('ls', 'admin', 'us')).toEqual([]);
    expect(offered('cat', '/pictures')).toEqual([]);
  });

  test.each(['bash', 'zsh', 'fish'] as const)('every command is in the script for %s', (shell) => {
    const script = completionScripts[shell](all);
    for (const name of commandNames(streams)) expect(script).toContain(`'${name}'`);
  });
});
