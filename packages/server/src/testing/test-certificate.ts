import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface TestCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface TestCertificateOptions {
  readonly commonName?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const dayMs = 24 * 60 * 60 * 1000;

/** A self-signed P-256 certificate (RFC 5280) for `localhost` and 127.0.0.1, made in a millisecond. For tests only. */
export function makeTestCertificate(options: TestCertificateOptions = {}): TestCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const body = certificateBody(publicKey, options);
  const signature = sign('sha256', body, { key: privateKey, dsaEncoding: 'der' });
  const certificate = sequence(body, ecdsaWithSha256, bitString(signature));
  return {
    certificatePem: toPem('CERTIFICATE', certificate),
    keyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }),
  };
}

/** Writes `server.pem`, `ca.pem` (the same) and `server.key` (0600) as the daemon reads them. */
export async function writeTestCertificates(
  folder: string,
  options: TestCertificateOptions = {},
): Promise<TestCertificate> {
  const made = makeTestCertificate(options);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'server.pem'), made.certificatePem);
  await writeFile(join(folder, 'ca.pem'), made.certificatePem);
  await writeFile(join(folder, 'server.key'), made.keyPem, { mode: 0o600 });
  await chmod(join(folder, 'server.key'), 0o600);
  return made;
}

function certificateBody(publicKey: KeyObject, options: TestCertificateOptions): Buffer {
  const name = sequence(
    set(sequence(oid(0x55, 0x04, 0x03), tlv(0x0c, Buffer.from(options.commonName ?? 'localhost')))),
  );
  const notBefore = time(options.notBefore ?? new Date(Date.now() - dayMs));
  const notAfter = time(options.notAfter ?? new Date(Date.now() + 30 * dayMs));
  return sequence(
    tlv(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
    ecdsaWithSha256,
    name,
    sequence(notBefore, notAfter),
    name,
    publicKey.export({ format: 'der', type: 'spki' }),
    tlv(0xa3, sequence(alternativeNames(), authority())),
  );
}

function alternativeNames(): Buffer {
  const names = sequence(tlv(0x82, Buffer.from('localhost')), tlv(0x87, Buffer.from([127, 0, 0, 1])));
  return sequence(oid(0x55, 0x1d, 0x11), tlv(0x04, names));
}

/** basicConstraints CA:TRUE, so that a client can take the certificate as its own authority. */
function authority(): Buffer {
  const isAuthority = sequence(tlv(0x01, Buffer.from([0xff])));
  return sequence(oid(0x55, 0x1d, 0x13), tlv(0x01, Buffer.from([0xff])), tlv(0x04, isAuthority));
}

function time(date: Date): Buffer {
  return tlv(0x18, Buffer.from(date.toISOString().replaceAll(/[-:T]|\.\d+/g, '')));
}

function tlv(tag: number, content: Buffer): Buffer {
  const { byteLength } = content;
  const length =
    byteLength < 0x80
      ? [byteLength]
      : byteLength < 0x100
        ? [0x81, byteLength]
        : [0x82, byteLength >> 8, byteLength & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function sequence(...members: readonly Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(members));
}

function set(member: Buffer): Buffer {
  return tlv(0x31, member);
}

function integer(bytes: Buffer): Buffer {
  return tlv(0x02, bytes);
}

function bitString(bytes: Buffer): Buffer {
  return tlv(0x03, Buffer.concat([Buffer.from([0]), bytes]));
}

function oid(...encoded: readonly number[]): Buffer {
  return tlv(0x06, Buffer.from(encoded));
}

/** 1.2.840.10045.4.3.2 */
const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));

function toPem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
