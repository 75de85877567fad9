import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { CofferError, type Clock } from '@coffer/core';

/** What the daemon shows to those who connect, checked as a pair. */
export interface TlsCredentials {
  readonly pem: { readonly chain: Buffer; readonly key: Buffer };
  /** The server's own certificate, the first of the chain. */
  readonly certificate: X509Certificate;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** A chain of certificates, or a key, is a few kilobytes; a device file given by mistake has no end. */
const maxPemBytes = 256 * 1024;

const renewHint = 'Run scripts/generate-certificates (it keeps the key, so that pins hold), then start again.';

/**
 * Reads `server.pem` (leaf first) and `server.key` of a folder.
 * @throws CERTIFICATE when one cannot be read, does not parse, does not fit the other, or is not valid now
 */
export async function loadTlsCredentials(folder: string, clock: Clock): Promise<TlsCredentials> {
  const chain = await readPem(join(folder, 'server.pem'));
  const certificate = parse(join(folder, 'server.pem'), () => new X509Certificate(chain));
  const key = await readPem(join(folder, 'server.key'));
  checkPair(
    folder,
    certificate,
    parse(join(folder, 'server.key'), () => createPrivateKey(key)),
  );
  checkValidity(certificate, clock.nowMs());
  // OpenSSL has its own opinion of the rest of the chain and of weak keys.
  parse(folder, () => createSecureContext({ cert: chain, key, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' }));
  return { pem: { chain, key }, certificate, expiresAtMs: certificate.validToDate.getTime() };
}

async function readPem(file: string): Promise<Buffer> {
  try {
    const bytes = await readFile(file);
    if (bytes.byteLength > maxPemBytes) throw new RangeError('too large for a certificate or key');
    return bytes;
  } catch (cause) {
    throw new CofferError('CERTIFICATE', `${file} cannot be read`, {
      hint: 'Check the folder given with --certs and its permissions, or run scripts/generate-certificates.',
      cause,
    });
  }
}

function parse<Result>(file: string, work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    throw new CofferError('CERTIFICATE', `${file} holds no usable certificate or key`, { hint: renewHint, cause });
  }
}

function checkPair(folder: string, certificate: X509Certificate, key: KeyObject): void {
  if (certificate.checkPrivateKey(key)) return;
  throw new CofferError('CERTIFICATE', `server.pem and server.key in ${folder} do not belong together`, {
    hint: renewHint,
  });
}

function checkValidity(certificate: X509Certificate, nowMs: number): void {
  const late = nowMs >= certificate.validToDate.getTime();
  if (!late && nowMs >= certificate.validFromDate.getTime()) return;
  const when = late ? `expired on ${certificate.validTo}` : `is not valid before ${certificate.validFrom}`;
  throw new CofferError('CERTIFICATE', `the server certificate ${when}`, {
    hint: late ? renewHint : "Check this machine's clock.",
  });
}
