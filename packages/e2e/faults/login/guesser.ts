import { OpaqueClient } from '@coffer/crypto';
import { helloMessage, RawConnection } from '../bombard/raw-connection.ts';
import type { Target } from '../bombard/raw-connection.ts';

/** What one try at a password looked like from outside. */
export interface Try {
  readonly startMs: number;
  readonly startBytes: number;
  readonly finishMs: number;
  readonly finishBytes: number;
  /** The first answer was an ERROR: the try was not taken. */
  readonly refused: boolean;
}

/** Tries in one connection: each begins the login anew, and all end before the deadline of authentication. */
const triesPerConnection = 20;

/** A guesser who stretches nothing: one first message serves all tries, and the second one is made up. */
export class Guesser implements Disposable {
  readonly #target: Target;
  readonly #request: Uint8Array;
  #connection: RawConnection | undefined;
  #left = 0;

  private constructor(target: Target, request: Uint8Array) {
    this.#target = target;
    this.#request = request;
  }

  static async open(target: Target): Promise<Guesser> {
    await using opaque = await OpaqueClient.open();
    const { request } = await opaque.startLogin('a guess');
    return new Guesser(target, request);
  }

  /** @throws Error when the server does not answer at all */
  async guess(username: string): Promise<Try> {
    const connection = await this.#fresh();
    this.#left -= 1;
    const started = await timed(() => connection.exchange('session.loginStart', { username, request: this.#request }));
    const refused = started.frame[4] === 3;
    if (refused) return { ...flat(started, started), refused };
    const made = { finish: new Uint8Array(64), proof: new Uint8Array(32) };
    const finished = await timed(() => connection.exchange('session.loginFinish', made));
    return { ...flat(started, finished), refused };
  }

  [Symbol.dispose](): void {
    this.#connection?.[Symbol.dispose]();
  }

  async #fresh(): Promise<RawConnection> {
    if (this.#connection !== undefined && this.#left > 0 && !this.#connection.isClosed) return this.#connection;
    this.#connection?.[Symbol.dispose]();
    this.#connection = await RawConnection.open(this.#target);
    await this.#connection.ask('session.hello', helloMessage);
    this.#left = triesPerConnection;
    return this.#connection;
  }
}

interface Timed {
  readonly frame: Uint8Array;
  readonly ms: number;
}

async function timed(work: () => Promise<Uint8Array>): Promise<Timed> {
  const startedMs = performance.now();
  return { frame: await work(), ms: performance.now() - startedMs };
}

function flat(started: Timed, finished: Timed): Omit<Try, 'refused'> {
  return {
    startMs: started.ms,
    startBytes: started.frame.byteLength,
    finishMs: finished.ms,
    finishBytes: finished.frame.byteLength,
  };
}
