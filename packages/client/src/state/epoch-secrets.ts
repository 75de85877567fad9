import { equalBytes } from '@coffer/core';
import type { AccountId, DeviceId, ServerId } from '@coffer/core';
import { epochKeys, openEpochLink, openEpochSecret } from '@coffer/crypto';

/** What the journal shows of one epoch, as far as this device may need it. */
export interface EpochRecord {
  readonly n: number;
  readonly commitment: Uint8Array;
  readonly link: Uint8Array | null;
  /** Account that sealed it, and what it is bound to: the vault, or in a genesis the commit. */
  readonly from: AccountId;
  readonly object: Uint8Array;
  /** The copies for this account and for this worker, where there are any. */
  readonly forAccount: Uint8Array | null;
  readonly forWorker: Uint8Array | null;
}

/** The key that opens epoch secrets on this device: the identity's, or a worker's own. */
export interface EpochKey {
  readonly server: ServerId;
  readonly account: AccountId;
  /** Set on a worker. */
  readonly worker: DeviceId | undefined;
  /** X-Wing seed. */
  readonly sealSeed: Uint8Array;
  /** Secrets that a worker was given when it was enrolled, by epoch. */
  readonly given: readonly { readonly n: number; readonly secret: Uint8Array }[];
}

/** Epoch secrets of one vault, opened when first needed and kept in memory only. */
export class EpochSecrets {
  readonly #vault: Uint8Array;
  readonly #key: EpochKey;
  readonly #records = new Map<number, EpochRecord>();
  readonly #secrets = new Map<number, Uint8Array>();

  constructor(vault: Uint8Array, key: EpochKey) {
    this.#vault = vault;
    this.#key = key;
  }

  learn(record: EpochRecord): void {
    this.#records.set(record.n, record);
  }

  /** The committed secret of epoch `n`; undefined when this device was given none. @throws INTEGRITY */
  secret(n: number): Uint8Array | undefined {
    const known = this.#secrets.get(n);
    if (known !== undefined) return known;
    const record = this.#records.get(n);
    if (record === undefined) return undefined;
    const secret = this.#given(record) ?? this.#sealed(record) ?? this.#linked(record);
    if (secret !== undefined) this.#secrets.set(n, secret);
    return secret;
  }

  #given({ n, commitment }: EpochRecord): Uint8Array | undefined {
    const given = this.#key.given.find((one) => one.n === n);
    return given !== undefined && equalBytes(epochKeys(given.secret, n).commitment, commitment)
      ? given.secret
      : undefined;
  }

  #sealed({ n, commitment, from, object, forAccount, forWorker }: EpochRecord): Uint8Array | undefined {
    const { server, account, worker, sealSeed } = this.#key;
    const sealed = worker === undefined ? forAccount : forWorker;
    if (sealed === null) return undefined;
    const grant = { server, from, to: worker ?? account, object, epoch: n };
    return openEpochSecret({ grant, privateSeed: sealSeed, sealed, commitment });
  }

  /** From the next epoch back, as somebody who joined later has to. */
  #linked({ n, commitment }: EpochRecord): Uint8Array | undefined {
    const link = this.#records.get(n + 1)?.link ?? null;
    const next = link === null ? undefined : this.secret(n + 1);
    if (link === null || next === undefined) return undefined;
    return openEpochLink({ vault: this.#vault, n: n + 1, secret: next, link, previousCommitment: commitment });
  }
}
