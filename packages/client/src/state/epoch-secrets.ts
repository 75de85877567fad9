import { equalBytes, idKey, isCofferError } from '@coffer/core';
import type { AccountId, DeviceId, Hash, IdKey, ServerId, VaultId } from '@coffer/core';
import { epochKeys, openEpochLink, openEpochSecret } from '@coffer/crypto';

/** What the journal shows of one epoch to everybody. */
export interface EpochRecord {
  readonly n: number;
  readonly commitment: Uint8Array;
  readonly link: Uint8Array | null;
}

/** The secret of an epoch, sealed to somebody this device may be: its account, itself as a worker, or a team. */
export interface EpochGrant {
  readonly n: number;
  /** Account that sealed it, and what it is bound to: the vault, or in a genesis the commit. */
  readonly from: AccountId;
  readonly object: Uint8Array;
  /** The account (16 bytes) or the team (32). */
  readonly to: Uint8Array;
  readonly worker: DeviceId | null;
  /** Of the key sealed to, where the journal says it: a team has had several. */
  readonly fingerprint: Hash;
  readonly sealed: Uint8Array;
}

/** The keys that open epoch secrets on this device: the identity's, or a worker's own, and those of teams. */
export interface EpochKey {
  readonly server: ServerId;
  readonly account: AccountId;
  /** Set on a worker. */
  readonly worker: DeviceId | undefined;
  /** X-Wing seed. */
  readonly sealSeed: Uint8Array;
  /** X-Wing seeds of the identities that the account had before. */
  readonly formerSealSeeds?: readonly Uint8Array[] | undefined;
  /** Secrets that a worker was given when it was enrolled, by epoch. */
  readonly given: readonly { readonly n: number; readonly secret: Uint8Array }[];
  /** X-Wing seed of a team's key with that fingerprint, when this device holds it. */
  readonly teamSeed?: (team: VaultId, fingerprint: Hash) => Uint8Array | undefined;
}

/** Epoch secrets of one vault, opened when first needed and kept in memory only. */
export class EpochSecrets {
  readonly #vault: Uint8Array;
  readonly #key: EpochKey;
  readonly #records = new Map<number, EpochRecord>();
  readonly #grants = new Map<number, Map<IdKey, EpochGrant>>();
  readonly #secrets = new Map<number, Uint8Array>();

  constructor(vault: Uint8Array, key: EpochKey) {
    this.#vault = vault;
    this.#key = key;
  }

  /** What was known before of that epoch, and may never have been true, counts no more. */
  learn(record: EpochRecord): void {
    const known = this.#records.get(record.n);
    if (known !== undefined && !equalBytes(known.commitment, record.commitment)) this.#secrets.delete(record.n);
    this.#records.set(record.n, record);
  }

  learnGrant(grant: EpochGrant): void {
    const grants = this.#grants.get(grant.n) ?? new Map<IdKey, EpochGrant>();
    this.#grants.set(grant.n, grants.set(idKey(grant.sealed.subarray(0, 64)), grant));
  }

  /** The committed secret of epoch `n`; undefined when this device was given none. @throws INTEGRITY */
  secret(n: number): Uint8Array | undefined {
    const broken: unknown[] = [];
    const nearest = this.#nearest(n, broken);
    // A seal that does not open harms nobody who has the secret in another way.
    if (nearest === undefined && broken.length > 0) throw broken[0];
    if (nearest === undefined) return undefined;
    let { secret } = nearest;
    this.#secrets.set(nearest.n, secret);
    for (let earlier = nearest.n - 1; earlier >= n; earlier -= 1) {
      secret = this.#linked(earlier, secret);
      this.#secrets.set(earlier, secret);
    }
    return secret;
  }

  /** The first epoch from `n` on whose secret is known without a link; a journal may have as many as it has commits. */
  #nearest(n: number, broken: unknown[]): { readonly n: number; readonly secret: Uint8Array } | undefined {
    for (let at = n; ; at += 1) {
      const record = this.#records.get(at);
      const secret = record && (this.#secrets.get(at) ?? this.#found(record, broken));
      if (secret !== undefined) return { n: at, secret };
      if (record === undefined || (this.#records.get(at + 1)?.link ?? null) === null) return undefined;
    }
  }

  #found(record: EpochRecord, broken: unknown[]): Uint8Array | undefined {
    const given = this.#given(record);
    if (given !== undefined) return given;
    for (const grant of this.#grants.get(record.n)?.values() ?? []) {
      try {
        const secret = this.#opened(record, grant);
        if (secret !== undefined) return secret;
      } catch (error) {
        broken.push(error);
      }
    }
    return undefined;
  }

  #given({ n, commitment }: EpochRecord): Uint8Array | undefined {
    const given = this.#key.given.find((one) => one.n === n);
    return given !== undefined && equalBytes(epochKeys(given.secret, n).commitment, commitment)
      ? given.secret
      : undefined;
  }

  #opened({ n, commitment }: EpochRecord, { from, object, to, worker, sealed, fingerprint }: EpochGrant) {
    const { server } = this.#key;
    const grant = { server, from, to: worker ?? to, object, epoch: n };
    const seeds = this.#seedsFor({ to, worker, fingerprint });
    const [last, ...others] = seeds.toReversed();
    if (last === undefined) return undefined;
    for (const privateSeed of others.toReversed()) {
      try {
        return openEpochSecret({ grant, privateSeed, sealed, commitment });
      } catch (error) {
        if (!isCofferError(error, 'INTEGRITY')) throw error;
      }
    }
    return openEpochSecret({ grant, privateSeed: last, sealed, commitment });
  }

  /** The newest first. */
  #seedsFor({ to, worker, fingerprint }: Pick<EpochGrant, 'to' | 'worker' | 'fingerprint'>): readonly Uint8Array[] {
    const { account, worker: own, sealSeed, formerSealSeeds = [], teamSeed } = this.#key;
    if (to.byteLength !== account.byteLength) {
      const seed = own === undefined ? teamSeed?.(to, fingerprint) : undefined;
      return seed === undefined ? [] : [seed];
    }
    if (!equalBytes(to, account)) return [];
    const isMine = own === undefined ? worker === null : worker !== null && equalBytes(worker, own);
    return isMine ? [sealSeed, ...formerSealSeeds] : [];
  }

  /** From the next epoch back, as somebody who joined later has to. */
  #linked(n: number, next: Uint8Array): Uint8Array {
    const previousCommitment = this.#records.get(n)?.commitment;
    const link = this.#records.get(n + 1)?.link;
    if (previousCommitment === undefined || link === undefined || link === null)
      throw new TypeError('an epoch that is not linked was passed over');
    return openEpochLink({ vault: this.#vault, n: n + 1, secret: next, link, previousCommitment });
  }
}
