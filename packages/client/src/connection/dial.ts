import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { CofferError } from '@coffer/core';
import type { Clock } from '@coffer/core';
import type { Transport } from '@coffer/protocol';
import { TlsTransport } from './tls-transport.ts';
import { checkDates, checkPin, expiredError, pinOf } from './trust.ts';
import type { Trust } from './trust.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Dialled {
  readonly transport: Transport;
  /** Of the key that was shown and trusted. */
  readonly pin: Uint8Array;
  /** Until when the certificate is good, milliseconds since 1970. */
  readonly certificateEndsMs: number;
}

/** Opens transports; tests give one that needs no sockets. */
export type Dial = (address: Address, trust: Trust, signal?: AbortSignal) => Promise<Dialled>;

/** A server that does not answer within this is unreachable: TCP and TLS together. */
const connectMs = 15_000;

/** Dials over TLS 1.3 (PROTOCOL §Transport). */
export function createTlsDial({ clock }: { readonly clock: Clock }): Dial {
  return async (address, trust, signal) => {
    const deadline = AbortSignal.timeout(connectMs);
    const stop = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
    const socket = await handshake(connect(tlsOptions(address, trust)), { address, stop, deadline });
    try {
      const certificate = await trusted(socket, { trust, nowMs: clock.nowMs() });
      const certificateEndsMs = certificate.validToDate.getTime();
      return { transport: new TlsTransport(socket, { clock }), pin: pinOf(certificate), certificateEndsMs };
    } catch (error) {
      socket.destroy();
      throw error;
    }
  };
}

function tlsOptions({ host, port }: Address, trust: Trust): ConnectionOptions {
  return {
    host,
    port,
    // RFC 6066 §3 has no addresses as server names.
    ...(isIP(host) === 0 && { servername: host }),
    ALPNProtocols: ['coffer/1'],
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    // Without a CA the key itself is compared, below, before a byte is sent.
    ...(trust.kind === 'ca' ? { ca: [trust.certificate], rejectUnauthorized: true } : { rejectUnauthorized: false }),
  };
}

interface Handshake {
  readonly address: Address;
  readonly stop: AbortSignal;
  readonly deadline: AbortSignal;
}

function handshake(socket: TLSSocket, { address, stop, deadline }: Handshake): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const settle = (error: unknown): void => {
      stop.removeEventListener('abort', onAbort);
      socket.removeListener('error', onError);
      socket.removeListener('close', onClose);
      if (error === undefined) return resolve(socket);
      // A late error event of a socket that is given up would end the process.
      socket.on('error', () => undefined);
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => settle(deadline.aborted ? unreachable(address, 'TIMEOUT') : stop.reason);
    const onError = (error: Error): void => settle(connectError(address, error));
    const onClose = (): void => settle(unreachable(address, 'CLOSED'));
    socket.once('error', onError).once('close', onClose);
    socket.once('secureConnect', () => settle(undefined));
    stop.addEventListener('abort', onAbort, { once: true });
    if (stop.aborted) onAbort();
  });
}

async function trusted(socket: TLSSocket, { trust, nowMs }: { trust: Trust; nowMs: number }): Promise<X509Certificate> {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined || socket.alpnProtocol !== 'coffer/1') throw notCoffer();
  if (trust.kind === 'pin') checkPin(certificate, trust.pin);
  checkDates(certificate, nowMs);
  if (trust.kind === 'firstUse') await accepted(certificate, trust.accept);
  return certificate;
}

async function accepted(certificate: X509Certificate, accept: (pin: Uint8Array) => Promise<boolean>): Promise<void> {
  if (await accept(pinOf(certificate))) return;
  throw new CofferError('UNTRUSTED_SERVER', 'the key of the server was not accepted', {
    hint: 'Ask the administrator for an invite, or for ca.pem and use --ca.',
  });
}

/** OpenSSL's and Node's names, by what the person can do about them. */
const expiredCodes: ReadonlySet<string> = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);
const chainCodes: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'INVALID_CA',
]);

function connectError(address: Address, error: Error & { code?: string }): CofferError {
  const code = error.code ?? 'unknown';
  if (expiredCodes.has(code)) return expiredError(error);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new CofferError('CERTIFICATE', "the server's certificate is not for this name", {
      hint: `The certificate must name ${address.host}; the administrator adds it with --host, or use the name it has.`,
      cause: error,
    });
  }
  if (chainCodes.has(code)) {
    return new CofferError('UNTRUSTED_SERVER', "the server's certificate is not from this CA", {
      hint: 'Ask the administrator for the current ca.pem or an invite.',
      cause: error,
    });
  }
  if (code.startsWith('ERR_SSL')) return notCoffer(error);
  return unreachable(address, code, error);
}

function unreachable({ host, port }: Address, system: string, cause?: unknown): CofferError {
  return new CofferError('UNREACHABLE', `the server ${host}:${port} cannot be reached`, {
    hint: 'Check the address, the network, and whether the server runs.',
    details: { system },
    cause,
  });
}

function notCoffer(cause?: unknown): CofferError {
  return new CofferError('UNTRUSTED_SERVER', 'what answers there is no Coffer server of this version', {
    hint: 'Check host and port.',
    cause,
  });
}
