import { once } from 'node:events';
import type { TcpSocketConnectOpts } from 'node:net';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { concatBytes, decodeCbor, encodeCbor } from '@coffer/core';
import { Profile } from '@coffer/client';
import type { ProfileRecord } from '@coffer/client';
import { ed25519KeyPair } from '@coffer/crypto';
import { signedBytes } from '@coffer/journal';
import type { Signer } from '@coffer/journal';
import {
  authTranscript,
  deviceProof,
  deviceProofLabel,
  negotiated,
  operationOf,
  protocolVersion,
} from '@coffer/protocol';
import type { OperationName } from '@coffer/protocol';
import type { Coffer } from '../../src/index.ts';

/** Kinds of frames (PROTOCOL §Frame). */
export const frameKind = { request: 1, response: 2, error: 3, data: 4, end: 5, cancel: 7, ping: 8 } as const;

const headerBytes = 12;

/** A frame, as its bytes. */
export function frame(
  kind: number,
  { op = 0, stream = 0 }: { op?: number; stream?: number },
  payload: Uint8Array,
): Uint8Array {
  const header = new Uint8Array(headerBytes);
  const view = new DataView(header.buffer);
  view.setUint32(0, payload.byteLength);
  view.setUint8(4, kind);
  view.setUint16(6, op);
  view.setUint32(8, stream);
  return concatBytes(header, payload);
}

/** A REQUEST, whatever its message is. */
export function request(stream: number, op: OperationName, message: unknown): Uint8Array {
  return frame(frameKind.request, { op: operationOf(op).code, stream }, encodeCbor(message));
}

export const helloMessage = { protocol: protocolVersion, client: 'attacker', role: 'control' } as const;

export interface Target {
  readonly port: number;
  /** Where it comes from: limits count by address, and an attacker has many. */
  readonly from: string;
}

/** A device that may prove itself. */
export interface Insider {
  readonly record: ProfileRecord;
  readonly sign: Signer;
}

/** The keys of a logged-in device. */
export async function insiderOf({ home }: Coffer): Promise<Insider> {
  const profile = Profile.open({ home, name: 'default' });
  const record = profile.requireRecord();
  const { deviceSeed } = await profile.keystore.open(record, () => Promise.resolve(''));
  return { record, sign: ed25519KeyPair(deviceSeed).sign };
}

export function tlsOptions({ port, from }: Target): ConnectionOptions & TcpSocketConnectOpts {
  return {
    port,
    host: '127.0.0.1',
    localAddress: from,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['coffer/1'],
  };
}

/** On a crowded machine a handshake may meet its limit of 5 s, which proves nothing about what follows it. */
const handshakeTries = 3;

/** A TLS connection on which any bytes may be sent. */
export class RawConnection implements Disposable {
  readonly socket: TLSSocket;
  #received: Uint8Array = new Uint8Array(0);
  #lastStream = -1;
  #wakes: (() => void)[] = [];

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#received = concatBytes(this.#received, bytes);
      this.#wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#wake());
  }

  /** @throws Error when the handshake fails again and again */
  static async open(target: Target): Promise<RawConnection> {
    for (let tries = 1; ; tries += 1) {
      const socket = connect(tlsOptions(target));
      try {
        await once(socket, 'secureConnect');
        return new RawConnection(socket);
      } catch (error) {
        socket.destroy();
        if (tries >= handshakeTries) throw error;
      }
    }
  }

  get isClosed(): boolean {
    return this.socket.closed || this.socket.destroyed || this.socket.readableEnded;
  }

  /** Nobody has used it yet. */
  get nextStream(): number {
    this.#lastStream += 2;
    return this.#lastStream;
  }

  /** The payload of the answer. @throws Error when it is none */
  async ask(op: OperationName, message: unknown): Promise<Uint8Array> {
    this.socket.write(request(this.nextStream, op, message));
    const answer = await this.#next();
    if (answer?.[4] !== frameKind.response) throw new Error(`${op} was not answered`);
    return answer.subarray(headerBytes);
  }

  /** The whole frame of the answer, an ERROR too. @throws Error when there is none */
  async exchange(op: OperationName, message: unknown): Promise<Uint8Array> {
    this.socket.write(request(this.nextStream, op, message));
    const answer = await this.#next();
    if (answer === undefined) throw new Error(`${op} was not answered`);
    return answer;
  }

  /** True when it answers to a PING in time; everything else that comes is passed over. */
  async pings(patienceMs: number): Promise<boolean> {
    this.socket.write(frame(frameKind.ping, {}, new Uint8Array(8)));
    const untilMs = performance.now() + patienceMs;
    while (performance.now() < untilMs && !this.isClosed) {
      const answer = await this.#next(untilMs - performance.now());
      if (answer?.[4] === frameKind.ping + 1) return true;
    }
    return false;
  }

  /** Proves the device, as honest clients do. */
  async prove({ record, sign }: Insider): Promise<void> {
    const { server, account, device } = record;
    const helloPayload = encodeCbor(helloMessage);
    const hello = await this.ask('session.hello', helloMessage);
    const asked = decodeCbor(await this.ask('session.challenge', { account, device })) as { challenge: Uint8Array };
    const exporter = new Uint8Array(this.socket.exportKeyingMaterial(32, 'EXPORTER-coffer-auth', Buffer.alloc(0)));
    const transcript = authTranscript({
      server,
      account,
      device,
      exporter,
      negotiated: negotiated(helloPayload, hello),
    });
    const signature = sign(signedBytes(deviceProofLabel, deviceProof(transcript, asked.challenge)));
    await this.ask('session.prove', { signature });
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  /** The next whole frame; undefined when none comes. */
  async #next(patienceMs = 20_000): Promise<Uint8Array | undefined> {
    const untilMs = performance.now() + patienceMs;
    for (;;) {
      const length =
        this.#received.byteLength < 4
          ? Infinity
          : headerBytes + new DataView(this.#received.buffer, this.#received.byteOffset).getUint32(0);
      if (this.#received.byteLength >= length) {
        const whole = this.#received.subarray(0, length);
        this.#received = this.#received.slice(length);
        return whole;
      }
      const leftMs = untilMs - performance.now();
      if (this.isClosed || leftMs <= 0) return undefined;
      await this.#more(leftMs);
    }
  }

  #more(patienceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, patienceMs);
      this.#wakes.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #wake(): void {
    for (const wake of this.#wakes.splice(0)) wake();
  }
}
