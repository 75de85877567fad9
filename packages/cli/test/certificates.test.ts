import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { dayMs, systemClock, toHex } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { issueCertificates, serverPin } from '../src/provision/certificates.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coffer-certificates-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const later = (days: number): Clock => ({ ...systemClock, nowMs: () => systemClock.nowMs() + days * dayMs });
const issue = (more: Partial<Parameters<typeof issueCertificates>[0]> = {}) =>
  issueCertificates({ folder, hosts: ['localhost', '127.0.0.1'], clock: systemClock, ...more });

/** The error code of a TLS 1.3 handshake against the issued server certificate, or `undefined` when it is trusted. */
async function handshake(servername: string): Promise<string | undefined> {
  const read = (name: string): Promise<Buffer> => readFile(join(folder, name));
  const server = createServer({ cert: await read('server.pem'), key: await read('server.key'), minVersion: 'TLSv1.3' });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    servername,
    ca: await read('ca.pem'),
  });
  try {
    await once(socket, 'secureConnect');
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  } finally {
    socket.destroy();
    server.close();
  }
}

describe('certificates', () => {
  test('are trusted by a TLS client that knows the CA, for the named hosts only', async () => {
    const issued = await issue();
    expect(issued.written.toSorted((a, b) => a.localeCompare(b))).toEqual([
      'ca.key',
      'ca.pem',
      'server.key',
      'server.pem',
    ]);
    expect(await handshake('localhost')).toBeUndefined();
    expect(await handshake('elsewhere.example')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('keep private keys to their owner', async () => {
    await issue();
    for (const name of ['ca.key', 'server.key']) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  });

  test('are left alone while they are good, and renewed in time with the same key, so that pins hold', async () => {
    await issue();
    const pin = toHex(await serverPin(folder));
    expect((await issue()).written).toEqual([]);
    expect((await issue({ clock: later(700) })).written).toEqual([]);
    expect((await issue({ clock: later(800) })).written).toEqual(['server.pem']);
    expect(toHex(await serverPin(folder))).toBe(pin);
    expect(await handshake('localhost')).toBe('CERT_NOT_YET_VALID');
  });

  test('follow a changed list of hosts, and keep the list when none is given', async () => {
    await issue();
    expect((await issue({ hosts: ['localhost', 'vault.example'] })).written).toEqual(['server.pem']);
    expect(await handshake('vault.example')).toBeUndefined();
    expect((await issue({ hosts: [], renew: true })).hosts).toEqual(['localhost', 'vault.example']);
  });

  test('carry the fingerprint of the authority in the CA certificate', async () => {
    const authority = new Uint8Array(32).fill(7);
    await issue({ authority });
    const ca = new X509Certificate(await readFile(join(folder, 'ca.pem')));
    expect(ca.subjectAltName).toBe(`URI:urn:coffer:authority:${toHex(authority)}`);
  });

  test('a damaged certificate or a key of another pair is refused and left as it is', async () => {
    await issue();
    const other = await readFile(join(folder, 'server.key'));
    await writeFile(join(folder, 'ca.key'), other);
    await expect(issue()).rejects.toMatchObject({ code: 'CERTIFICATE' });
    await writeFile(join(folder, 'ca.pem'), 'not a certificate');
    await expect(issue()).rejects.toMatchObject({ code: 'CERTIFICATE' });
    expect(await readFile(join(folder, 'ca.pem'), 'utf8')).toBe('not a certificate');
  });
});
