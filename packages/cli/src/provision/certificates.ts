import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign as signBytes,
  X509Certificate,
} from 'node:crypto';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { CofferError, dayMs, toHex } from '@coffer/core';
import type { Clock } from '@coffer/core';
import type * as forgeModule from 'node-forge';
import type { pki } from 'node-forge';
import { readIfPresent, writeFileAtomic } from './files.ts';

export interface CertificateOptions {
  /** Folder of `ca.pem`, `ca.key`, `server.pem`, `server.key`; made when missing. */
  readonly folder: string;
  /** DNS names and addresses that clients will dial. */
  readonly hosts: readonly string[];
  /** Fingerprint of the authority key, carried by the CA certificate so that `--ca` pins it too (CRYPTO §Keys). */
  readonly authority?: Uint8Array;
  /** Issue a new server certificate even when the present one is good. */
  readonly renew?: boolean;
  readonly clock: Clock;
}

export interface IssuedCertificates {
  /** What was written, in words: empty when everything was good already. */
  readonly written: readonly string[];
  readonly hosts: readonly string[];
  readonly expiresAtMs: number;
}

/** The CA outlives many server certificates: ten years. */
const caDays = 3650;
/** The longest life that all common TLS clients accept for a server certificate of a private CA. */
const serverDays = 825;
/** Renewed from this long before its end, so that a monthly run is enough. */
const renewBeforeMs = 60 * dayMs;
/** Clients with a clock slightly behind must accept a fresh certificate. */
const backdateMs = dayMs;

const authorityUriPrefix = 'urn:coffer:authority:';

/**
 * Brings the certificates folder into a good state: makes what is missing, renews the server certificate before it
 * expires or when `hosts` changed, and keeps `ca.key` and `server.key` always, so pins hold (PROTOCOL §Transport).
 * @throws CERTIFICATE when a file that is there cannot be read or does not fit; IO
 */
export async function issueCertificates(options: CertificateOptions): Promise<IssuedCertificates> {
  await mkdir(options.folder, { recursive: true });
  const written: string[] = [];
  const forge = await import('node-forge').then((module) => module.default);
  const ca = await ensureCa(forge, { options, written });
  const serverKey = await ensureKey(join(options.folder, 'server.key'), written);
  const current = await readCertificate(join(options.folder, 'server.pem'));
  const hosts = options.hosts.length > 0 ? [...options.hosts] : hostsOf(current);
  if (current === undefined || options.renew === true || mustRenew({ current, hosts, ca, options })) {
    const pem = issueServer(forge, { ca, serverKey, hosts, nowMs: options.clock.nowMs() });
    await writeFileAtomic(join(options.folder, 'server.pem'), { data: pem, mode: 0o644 });
    written.push('server.pem');
  }
  const issued = await readFile(join(options.folder, 'server.pem'));
  return { written, hosts, expiresAtMs: new X509Certificate(issued).validToDate.getTime() };
}

/** SHA-256 of the server's public key (SubjectPublicKeyInfo, DER): what invites and clients pin. @throws CERTIFICATE */
export async function serverPin(folder: string): Promise<Uint8Array> {
  const certificate = await readCertificate(join(folder, 'server.pem'));
  if (certificate === undefined)
    throw new CofferError('CERTIFICATE', `no server.pem in ${folder}`, { hint: regenerateHint });
  return createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}

/** Names and addresses in `server.pem`; none when there is no certificate. @throws CERTIFICATE */
export async function certificateHosts(folder: string): Promise<readonly string[]> {
  return hostsOf(await readCertificate(join(folder, 'server.pem')));
}

const regenerateHint = 'Make certificates with: scripts/generate-certificates --host NAME';

type Forge = typeof forgeModule;

interface CertificateAuthority {
  readonly certificate: X509Certificate;
  readonly keyPem: string;
}

async function ensureCa(
  forge: Forge,
  { options, written }: { options: CertificateOptions; written: string[] },
): Promise<CertificateAuthority> {
  const certificatePath = join(options.folder, 'ca.pem');
  const present = await readCertificate(certificatePath);
  const keyPem = await ensureKey(join(options.folder, 'ca.key'), written);
  if (present !== undefined) {
    if (!samePublicKey(present, keyPem)) {
      throw new CofferError('CERTIFICATE', `ca.pem and ca.key in ${options.folder} do not belong together`, {
        hint: 'Restore the pair from a backup, or move both away to start with a new CA.',
      });
    }
    return { certificate: present, keyPem };
  }
  const pem = issueCa(forge, { keyPem, authority: options.authority, nowMs: options.clock.nowMs() });
  await writeFileAtomic(certificatePath, { data: pem, mode: 0o644 });
  written.push('ca.pem');
  return { certificate: new X509Certificate(pem), keyPem };
}

/** node-forge makes RSA certificates only; the key itself is made by OpenSSL, forty times faster than in JavaScript. */
async function ensureKey(path: string, written: string[]): Promise<string> {
  const present = await readIfPresent(path);
  if (present !== undefined) {
    await chmod(path, 0o600);
    return present.toString('utf8');
  }
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 3072,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  await writeFileAtomic(path, { data: privateKey, mode: 0o600 });
  written.push(path.endsWith('ca.key') ? 'ca.key' : 'server.key');
  return privateKey;
}

function mustRenew(context: {
  current: X509Certificate;
  hosts: readonly string[];
  ca: CertificateAuthority;
  options: CertificateOptions;
}): boolean {
  const { current, hosts, ca, options } = context;
  const soon = current.validToDate.getTime() - options.clock.nowMs() < renewBeforeMs;
  const otherCa = !current.verify(ca.certificate.publicKey);
  const missing = hosts.filter((host) => (isIP(host) ? current.checkIP(host) : current.checkHost(host)) === undefined);
  return soon || otherCa || missing.length > 0;
}

function issueCa(
  forge: Forge,
  { keyPem, authority, nowMs }: { keyPem: string; authority: Uint8Array | undefined; nowMs: number },
): string {
  const certificate = blank(forge, { keyPem, days: caDays, nowMs });
  const name = [{ name: 'commonName', value: `Coffer CA ${randomBytes(4).toString('hex')}` }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  const uri = authority === undefined ? [] : [{ type: 6, value: authorityUriPrefix + toHex(authority) }];
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
    ...(uri.length > 0 ? [{ name: 'subjectAltName', altNames: uri }] : []),
  ]);
  return sign(forge, { certificate, keyPem });
}

function issueServer(
  forge: Forge,
  context: { ca: CertificateAuthority; serverKey: string; hosts: readonly string[]; nowMs: number },
): string {
  const { ca, serverKey, hosts, nowMs } = context;
  if (hosts.length === 0)
    throw new CofferError('INVALID', 'a certificate needs at least one host name', { hint: 'Add --host NAME.' });
  const certificate = blank(forge, { keyPem: serverKey, days: serverDays, nowMs });
  const caCertificate = forge.pki.certificateFromPem(ca.certificate.toString());
  certificate.setSubject([{ name: 'commonName', value: hosts[0] ?? '' }]);
  certificate.setIssuer(caCertificate.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: caCertificate.generateSubjectKeyIdentifier().getBytes() },
    {
      name: 'subjectAltName',
      altNames: hosts.map((host) => (isIP(host) ? { type: 7, ip: host } : { type: 2, value: host })),
    },
  ]);
  return sign(forge, { certificate, keyPem: ca.keyPem });
}

function blank(
  forge: Forge,
  { keyPem, days, nowMs }: { keyPem: string; days: number; nowMs: number },
): pki.Certificate {
  const certificate = forge.pki.createCertificate();
  const key = forge.pki.privateKeyFromPem(keyPem);
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  // A positive number of 126 random bits: the leading digit keeps DER from reading it as negative.
  certificate.serialNumber = `4${randomBytes(16).toString('hex').slice(1)}`;
  certificate.validity.notBefore = new Date(nowMs - backdateMs);
  certificate.validity.notAfter = new Date(nowMs + days * dayMs);
  return certificate;
}

/** forge builds and encodes; the RSA operation is OpenSSL's, which takes 2 ms where JavaScript takes 400. */
function sign(forge: Forge, { certificate, keyPem }: { certificate: pki.Certificate; keyPem: string }): string {
  const signer = {
    sign: (): string => {
      const toBeSigned = forge.asn1.toDer(certificate.tbsCertificate).getBytes();
      return signBytes('sha256', Buffer.from(toBeSigned, 'binary'), keyPem).toString('binary');
    },
  };
  certificate.sign(signer as never, forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate);
}

function samePublicKey(certificate: X509Certificate, keyPem: string): boolean {
  return certificate.checkPrivateKey(createPrivateKey(keyPem));
}

function hostsOf(certificate: X509Certificate | undefined): string[] {
  const names = certificate?.subjectAltName?.split(', ') ?? [];
  return names.flatMap((name) => /^(?:DNS|IP Address):(.+)$/.exec(name)?.[1] ?? []);
}

async function readCertificate(path: string): Promise<X509Certificate | undefined> {
  const pem = await readIfPresent(path);
  if (pem === undefined) return undefined;
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new CofferError('CERTIFICATE', `${path} is not a certificate`, { hint: regenerateHint, cause });
  }
}
