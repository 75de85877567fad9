import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { MiB } from '@coffer/core';
import { Logs } from '../src/log/logs.ts';
import { tempFolder } from './support/temp-folder.ts';

const options = { level: 'info', maxBytes: MiB, keep: 3 } as const;

async function linesOf(folder: string, category: string): Promise<Record<string, unknown>[]> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(`${category}.`));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts
    .flatMap((text) => text.split('\n').filter(Boolean))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('Logs', () => {
  test('an event is one line in its category, with ids in hex, in a file for the owner only', async () => {
    const folder = join(await tempFolder(), 'logs');
    const logs = await Logs.open({ ...options, path: folder });
    logs.record('auth', {
      event: 'login',
      status: 'REFUSED',
      account: new Uint8Array(16).fill(10),
      address: '192.0.2.1',
    });
    logs.server.info({ port: 7443 }, 'listening');
    logs.server.debug({}, 'not at this level');
    await logs[Symbol.asyncDispose]();
    await logs[Symbol.asyncDispose]();
    expect(await linesOf(folder, 'auth')).toMatchObject([
      { category: 'auth', event: 'login', status: 'REFUSED', account: '0a'.repeat(16), address: '192.0.2.1' },
    ]);
    expect(await linesOf(folder, 'server')).toMatchObject([{ msg: 'listening', port: 7443 }]);
    for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o077).toBe(0);
  });

  test('the level is set per category, and again while running', async () => {
    const folder = await tempFolder();
    const logs = await Logs.open({ ...options, path: folder, level: { server: 'error', default: 'info' } });
    logs.server.info({}, 'too quiet');
    logs.setLevel('debug');
    logs.server.debug({}, 'now loud');
    await logs[Symbol.asyncDispose]();
    expect(await linesOf(folder, 'server')).toMatchObject([{ msg: 'now loud' }]);
  });

  test('plain lines of a category are left out above its level, the others above all but silent', async () => {
    const folder = await tempFolder();
    const logs = await Logs.open({ ...options, path: folder, level: { auth: 'warn', account: 'silent' } });
    for (const category of ['auth', 'account', 'admin'] as const) {
      logs.record(category, { event: 'one', status: 'OK' });
      logs.record(category, { event: 'two', status: 'REFUSED' });
    }
    await logs[Symbol.asyncDispose]();
    const events = async (category: string) => (await linesOf(folder, category)).map((line) => line['event']);
    expect([await events('auth'), await events('account'), await events('admin')]).toEqual([
      ['two'],
      [],
      ['one', 'two'],
    ]);
  });

  test('files roll by size and the oldest are removed', async () => {
    const folder = await tempFolder();
    const logs = await Logs.open({ ...options, path: folder, maxBytes: 4096, keep: 2 });
    const anchor = await logs.anchor({ read: async () => new Map(), write: async () => undefined });
    for (let n = 0; n < 200; n += 1) {
      logs.record('transfer', { event: 'put', status: 'OK', counts: { n } });
      if (n % 10 === 9) await logs.flush();
    }
    await anchor[Symbol.asyncDispose]();
    await logs[Symbol.asyncDispose]();
    const names = (await readdir(folder)).filter((name) => name.startsWith('transfer.'));
    expect(names).toHaveLength(2);
  });

  test('a folder that cannot be written is refused', async () => {
    await expect(Logs.open({ ...options, path: '/dev/null/logs' })).rejects.toMatchObject({ code: 'IO' });
  });
});
