import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { idKey, systemRandom as random } from '@coffer/core';
import { OpaqueClient } from '@coffer/crypto';
import { client as library, ready, server as serverHalf } from '@serenity-kit/opaque';

const parties = { account: random.bytes(16), server: random.bytes(16) };
const identifiers = { client: idKey(parties.account), server: idKey(parties.server) };
const userIdentifier = idKey(parties.account);
const password = 'ein Satz, den sonst niemand sagt';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const bytes = (value: string): Uint8Array => Uint8Array.fromBase64(value, { alphabet: 'base64url' });

/** The server's half, as `session.loginStart` and `session.loginFinish` run it. */
class Server {
  readonly #setup = serverHalf.createSetup();
  #state = '';

  registrationResponse(request: Uint8Array): Uint8Array {
    const params = { serverSetup: this.#setup, userIdentifier, registrationRequest: text(request) };
    return bytes(serverHalf.createRegistrationResponse(params).registrationResponse);
  }

  loginResponse(request: Uint8Array, record: Uint8Array | undefined): Uint8Array {
    const started = serverHalf.startLogin({
      serverSetup: this.#setup,
      userIdentifier,
      registrationRecord: record && text(record),
      startLoginRequest: text(request),
      identifiers,
    });
    this.#state = started.serverLoginState;
    return bytes(started.loginResponse);
  }

  sessionKey(finish: Uint8Array): Uint8Array {
    const params = { finishLoginRequest: text(finish), serverLoginState: this.#state, identifiers };
    return bytes(serverHalf.finishLogin(params).sessionKey);
  }
}

describe('OPAQUE, client half', () => {
  let client: OpaqueClient;
  let server: Server;
  let record: Uint8Array;
  let exportKey: Uint8Array;

  beforeAll(async () => {
    await ready;
    client = await OpaqueClient.open();
    server = new Server();
    const registration = await client.startRegistration(password);
    const response = server.registrationResponse(registration.request);
    ({ record, exportKey } = await registration.finish({ ...parties, response }));
  });
  afterAll(async () => client[Symbol.asyncDispose]());

  test('both sides get one session key, and the export key is that of the registration', async () => {
    const login = await client.startLogin(password);
    const finished = await login.finish({ ...parties, response: server.loginResponse(login.request, record) });
    expect(finished?.exportKey).toEqual(exportKey);
    expect(finished?.exportKey.byteLength).toBe(64);
    expect(finished && server.sessionKey(finished.finish)).toEqual(finished!.sessionKey);
  });

  test('letters typed in another form are the same password', async () => {
    const umlaut = await client.startRegistration('Schlüssel und Tür');
    const response = server.registrationResponse(umlaut.request);
    const registered = await umlaut.finish({ ...parties, response });
    const login = await client.startLogin('Schlüssel und Tür'.normalize('NFD'));
    const answer = server.loginResponse(login.request, registered.record);
    expect((await login.finish({ ...parties, response: answer }))?.exportKey).toEqual(registered.exportKey);
  });

  test('a wrong password and an unknown account are both simply no login', async () => {
    const wrong = await client.startLogin('ein anderer Satz');
    expect(await wrong.finish({ ...parties, response: server.loginResponse(wrong.request, record) })).toBeUndefined();
    const unknown = await client.startLogin(password);
    expect(
      await unknown.finish({ ...parties, response: server.loginResponse(unknown.request, undefined) }),
    ).toBeUndefined();
  });

  test('another server id or account id is no login', async () => {
    const parts = [{ server: random.bytes(16) }, { account: random.bytes(16) }];
    for (const part of parts) {
      const login = await client.startLogin(password);
      const response = server.loginResponse(login.request, record);
      expect(await login.finish({ ...parties, ...part, response })).toBeUndefined();
    }
  });

  test('an answer that is none is PROTOCOL', async () => {
    for (const response of [new Uint8Array(0), random.bytes(320), random.bytes(5000)]) {
      const login = await client.startLogin(password);
      await expect(login.finish({ ...parties, response })).rejects.toMatchObject({ code: 'PROTOCOL' });
      const registration = await client.startRegistration(password);
      await expect(registration.finish({ ...parties, response })).rejects.toMatchObject({ code: 'PROTOCOL' });
    }
  });

  test('stretching is Argon2id with t = 3, m = 64 MiB, p = 4 whatever the library defaults to', () => {
    const started = library.startLogin({ password });
    const loginResponse = text(server.loginResponse(bytes(started.startLoginRequest), record));
    const finish = { password, identifiers, loginResponse, clientLoginState: started.clientLoginState };
    const ours = { 'argon2id-custom': { iterations: 3, memory: 65_536, parallelism: 4 } };
    const weaker = { 'argon2id-custom': { iterations: 2, memory: 65_536, parallelism: 4 } };
    expect(library.finishLogin({ ...finish, keyStretching: weaker })).toBeUndefined();
    expect(library.finishLogin({ ...finish, keyStretching: ours })?.exportKey).toBe(text(exportKey));
  });
});

test('disposing ends what is under way as CANCELLED, and twice is once', async () => {
  const client = await OpaqueClient.open();
  const starting = client.startLogin(password);
  const failure = starting.catch((error: unknown) => error);
  await client[Symbol.asyncDispose]();
  await client[Symbol.asyncDispose]();
  expect(await failure).toMatchObject({ code: 'CANCELLED' });
  await expect(client.startLogin(password)).rejects.toMatchObject({ code: 'CANCELLED' });
});
