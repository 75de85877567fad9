import { chmod, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { client, ready } from '@serenity-kit/opaque';
import { describe, expect, test } from '@jest/globals';
import { idKey, isCofferError, type AccountId } from '@coffer/core';
import { OpaqueServer, readOpaqueSetup, writeOpaqueSetup } from '@coffer/server';
import { tempFolder } from './support/temp-folder.ts';

const server = new Uint8Array(16).fill(7);
const account = new Uint8Array(16).fill(1);
const password = 'correct horse battery staple';
/** The cheapest stretching: these tests are about the server's half. */
const keyStretching = { 'argon2id-custom': { iterations: 1, memory: 8192, parallelism: 1 } } as const;

async function register(opaque: OpaqueServer, who: AccountId, setupPassword: string): Promise<Uint8Array> {
  await ready;
  const { clientRegistrationState, registrationRequest } = client.startRegistration({ password: setupPassword });
  const response = await opaque.registrationResponse({ account: who, request: bytes(registrationRequest) });
  const { registrationRecord } = client.finishRegistration({
    password: setupPassword,
    clientRegistrationState,
    registrationResponse: text(response),
    identifiers: { client: idKey(who), server: idKey(server) },
    keyStretching,
  });
  return bytes(registrationRecord);
}

async function login(opaque: OpaqueServer, record: Uint8Array | undefined, typed: string) {
  const { clientLoginState, startLoginRequest } = client.startLogin({ password: typed });
  const start = await opaque.startLogin({ account, record, request: bytes(startLoginRequest) });
  const finished = client.finishLogin({
    password: typed,
    clientLoginState,
    loginResponse: text(start.response),
    identifiers: { client: idKey(account), server: idKey(server) },
    keyStretching,
  });
  return { start, finished };
}

describe('OpaqueServer', () => {
  test('the right password gives both sides one session key', async () => {
    await using opaque = await OpaqueServer.open({ setup: await OpaqueServer.createSetup(), server });
    const record = await register(opaque, account, password);
    const { start, finished } = await login(opaque, record, password);
    expect(finished).toBeDefined();
    const finish = bytes(finished?.finishLoginRequest ?? '');
    const key = await opaque.finishLogin({ account, state: start.state, finish });
    expect(key).toEqual(bytes(finished?.sessionKey ?? ''));
  });

  test('a wrong password, a decoy and damaged bytes give no key, and a decoy answer has the size of a real one', async () => {
    await using opaque = await OpaqueServer.open({ setup: await OpaqueServer.createSetup(), server });
    const record = await register(opaque, account, password);
    const wrong = await login(opaque, record, 'another password');
    const decoy = await login(opaque, undefined, password);
    expect(wrong.finished).toBeUndefined();
    expect(decoy.finished).toBeUndefined();
    expect(decoy.start.response.byteLength).toBe(wrong.start.response.byteLength);
    const right = await login(opaque, record, password);
    const finish = bytes(right.finished?.finishLoginRequest ?? '');
    finish[3] = (finish[3] ?? 0) ^ 1;
    expect(await opaque.finishLogin({ account, state: right.start.state, finish })).toBeUndefined();
    const short = new Uint8Array(3);
    expect(await opaque.finishLogin({ account, state: right.start.state, finish: short })).toBeUndefined();
  });

  test('a malformed request is INVALID and the worker goes on', async () => {
    await using opaque = await OpaqueServer.open({ setup: await OpaqueServer.createSetup(), server });
    const bad = opaque.startLogin({ account, record: undefined, request: new Uint8Array(96).fill(255) });
    await expect(bad).rejects.toMatchObject({ code: 'INVALID' });
    await expect(register(opaque, account, password)).resolves.toBeInstanceOf(Uint8Array);
  });

  test('the id of an unknown name is stable, differs by name and by setup', async () => {
    const setup = await OpaqueServer.createSetup();
    await using one = await OpaqueServer.open({ setup, server });
    await using again = await OpaqueServer.open({ setup, server });
    await using other = await OpaqueServer.open({ setup: await OpaqueServer.createSetup(), server });
    expect(again.decoyAccount('eve')).toEqual(one.decoyAccount('eve'));
    expect(one.decoyAccount('eve')).toHaveLength(16);
    expect(one.decoyAccount('eva')).not.toEqual(one.decoyAccount('eve'));
    expect(other.decoyAccount('eve')).not.toEqual(one.decoyAccount('eve'));
  });

  test('an idle thread ends and starts again for the next login; a login across the pause still works', async () => {
    await using opaque = await OpaqueServer.open({ setup: await OpaqueServer.createSetup(), server, restAfterMs: 1 });
    const record = await register(opaque, account, password);
    const { start, finished } = await login(opaque, record, password);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const finish = bytes(finished?.finishLoginRequest ?? '');
    expect(await opaque.finishLogin({ account, state: start.state, finish })).toEqual(
      bytes(finished?.sessionKey ?? ''),
    );
  });

  test('a setup that is none is refused at once', async () => {
    const setup = 'A'.repeat(171);
    await expect(OpaqueServer.open({ setup, server })).rejects.toMatchObject({ code: 'CONFIG' });
  });

  test('after disposal questions are refused instead of waiting for ever', async () => {
    const opaque = await OpaqueServer.open({ setup: await OpaqueServer.createSetup(), server });
    await opaque[Symbol.asyncDispose]();
    await opaque[Symbol.asyncDispose]();
    const late = opaque.startLogin({ account, record: undefined, request: new Uint8Array(96) });
    await expect(late).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});

describe('the setup file', () => {
  test('is written once, for its owner only, and read back', async () => {
    const folder = await tempFolder();
    const setup = await OpaqueServer.createSetup();
    await writeOpaqueSetup(folder, setup);
    expect((await stat(join(folder, 'opaque-setup'))).mode & 0o777).toBe(0o600);
    expect(await readOpaqueSetup(folder)).toBe(setup);
    await expect(writeOpaqueSetup(folder, setup)).rejects.toMatchObject({ code: 'EXISTS' });
    await chmod(join(folder, 'opaque-setup'), 0o644);
    await expect(readOpaqueSetup(folder)).rejects.toMatchObject({ code: 'CONFIG' });
  });

  test('that is missing names the command that makes it', async () => {
    const error: unknown = await readOpaqueSetup('/nowhere').catch((reason: unknown) => reason);
    expect(isCofferError(error, 'NOT_FOUND') && error.hint).toMatch(/coffer admin init/);
  });
});

function bytes(base64url: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64url, 'base64url'));
}

function text(value: Uint8Array): string {
  return Buffer.from(value).toString('base64url');
}
