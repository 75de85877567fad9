import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { environmentName, isCofferError, MiB, minuteMs } from '@coffer/core';
import { loadServerConfig, settingNames } from '@coffer/server';
import { tempFolder } from './support/temp-folder.ts';

async function fileWith(text: string): Promise<string> {
  const file = join(await tempFolder(), 'coffer.yaml');
  await writeFile(file, text);
  return file;
}

async function refusal(sources: Parameters<typeof loadServerConfig>[0]): Promise<string> {
  try {
    await loadServerConfig(sources);
  } catch (error) {
    if (isCofferError(error, 'CONFIG')) return `${error.message} | ${error.hint}`;
    throw error;
  }
  return 'accepted';
}

describe('loadServerConfig', () => {
  test('flag over environment over file over default, with the origin of each', async () => {
    const file = await fileWith('listen:\n  port: 1001\n  host: 0.0.0.0\nstorage: { packBytes: 32MiB }\nlogin:\n');
    const environment = { COFFER_LISTEN_PORT: '1002', COFFER_SESSIONS_IDLE: '10min', COFFER_HOME: '/elsewhere' };
    const { config, origins } = await loadServerConfig({ file, environment, flags: { 'listen.port': 1003 } });
    expect(config.listen).toMatchObject({ port: 1003, host: '0.0.0.0', maxConnections: 4096 });
    expect(config.storage.packBytes).toBe(32 * MiB);
    expect(config.sessions.idle).toBe(10 * minuteMs);
    expect(config.login.attemptsPerHour).toBe(10);
    const shown = ['listen.port', 'listen.host', 'sessions.idle', 'registration'].map((name) => origins.get(name));
    expect(shown).toEqual(['flag', 'file', 'environment', 'default']);
  });

  test('every setting has a variable of its own', () => {
    const variables = settingNames().map(environmentName);
    expect(new Set(variables).size).toBe(variables.length);
    expect(variables).toContain('COFFER_STORAGE_PACK_BYTES');
    expect(variables).toContain('COFFER_REGISTRATION');
  });

  test.each([
    ['listen:\n  prot: 1', 'unknown setting listen.prot | Did you mean listen.port?'],
    ['lissten:\n  port: 1', 'unknown setting lissten | Did you mean listen?'],
    ['zzzzqqqq: 1', 'unknown setting zzzzqqqq | See'],
    ['listen:\n  port: 70000', 'listen.port: '],
    ['listen:\n  port: nine', 'listen.port: "nine" is not a port'],
    ['sessions:\n  idle: 2d', 'sessions.idle: at most sessions.lifetime'],
    ['limits:\n  totalBufferBytes: 1MiB', 'limits.totalBufferBytes: at least'],
    ['registration: maybe', 'registration: '],
    ['logs:\n  level: { auht: debug }', 'logs.level'],
    ['storage:\n  reserve: 500 %', 'storage.reserve: "500 %" is not a percentage'],
    ['listen: [1, 2]', 'listen: '],
    ['just text', 'holds no settings'],
    ['a: 1\na: 2', 'is not valid YAML'],
    ['a: &x 1\nb: *x', 'is not valid YAML'],
    ['listen:\n\tport: 1', 'is not valid YAML'],
  ])('%j is refused with its reason', async (text, reason) => {
    expect(await refusal({ file: await fileWith(text), environment: {} })).toContain(reason);
  });

  test('a misspelt variable of ours is refused, one of another program is not', async () => {
    expect(await refusal({ environment: { COFFER_LISTEN_PROT: '1' } })).toContain('Did you mean COFFER_LISTEN_PORT?');
    expect(await refusal({ environment: { COFFER_PASSWORD_FILE: '/x', LISTEN_PROT: '1' } })).toBe('accepted');
  });

  test('a missing file is refused, an empty one is all defaults', async () => {
    expect(await refusal({ file: '/nowhere/coffer.yaml', environment: {} })).toContain('cannot be read');
    expect(await refusal({ file: await fileWith('# nothing\n'), environment: {} })).toBe('accepted');
  });
});
