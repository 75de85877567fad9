import { CofferError, decodeCbor, encodeCbor, equalBytes, Hash, idKey } from '@coffer/core';
import type { IdKey, VaultId } from '@coffer/core';
import type { GenerationCertificate } from '@coffer/journal';
import { z } from 'zod';
import { rollbackError } from '../state/rollback-error.ts';
import type { VaultPin } from '../state/vault-journal.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

const Stored = z.strictObject({
  v: z.literal(1),
  generation: z.int().min(0),
  vaults: z.record(
    z.string().regex(/^[0-9a-f]{64}$/),
    z.strictObject({
      seq: z.int().min(1),
      hash: Hash,
      epoch: z.int().min(0),
      /** Generation in which the server went back behind what was pinned. */
      cut: z.int().min(1).optional(),
    }),
  ),
});

/** One vault takes about 130 bytes; an account has thousands at most. */
const maxBytes = 4 * 2 ** 20;

/**
 * What this device has seen of the server (JOURNAL §Fold): newer than this it may show, older or other never. In a file of its own,
 * so that throwing the tables away forgets nothing.
 */
export class Pins {
  readonly #path: string;
  #generation: number;
  readonly #vaults: Map<IdKey, VaultPin>;

  private constructor(path: string, stored: z.infer<typeof Stored> | undefined) {
    this.#path = path;
    this.#generation = stored?.generation ?? 0;
    this.#vaults = new Map(Object.entries(stored?.vaults ?? {}).map(([key, pin]) => [key, pinOf(pin)]));
  }

  /** @throws DAMAGED */
  static open(path: string): Pins {
    return new Pins(path, readStored(path));
  }

  get generation(): number {
    return this.#generation;
  }

  /** Of the server, which counts restores. @throws ROLLBACK when it is lower than one seen before */
  checkGeneration(generation: number): void {
    if (generation >= this.#generation) return;
    throw new CofferError('ROLLBACK', 'the server has gone back to an older generation of its storage', {
      hint: 'It was replaced by an old copy. Ask its administrator before you go on.',
      details: { generation, seen: this.#generation },
    });
  }

  /** At the first contact, when there is nothing to compare with. @throws as {@link checkGeneration} */
  seeGeneration(generation: number): void {
    this.checkGeneration(generation);
    if (generation === this.#generation) return;
    this.#generation = generation;
    this.#write();
  }

  /**
   * Goes on from where the statements of the authority, oldest first, say that the vaults stood. True when that is behind
   * what this device has seen of one of them.
   * @throws ROLLBACK when they name another history at the very place that is pinned; then nothing is accepted
   */
  acceptGeneration(statements: readonly Pick<GenerationCertificate, 'n' | 'heads'>[]): boolean {
    this.refresh();
    const accepted = new Map(this.#vaults);
    for (const statement of statements) cutBack(accepted, statement);
    const wentBack = [...accepted].some(([key, pin]) => pin.cut !== this.#vaults.get(key)?.cut);
    for (const [key, pin] of accepted) this.#vaults.set(key, pin);
    this.#generation = Math.max(this.#generation, ...statements.map(({ n }) => n));
    this.#write();
    return wentBack;
  }

  /** Takes over what other processes of this profile have seen. @throws DAMAGED */
  refresh(): void {
    this.#merge(readStored(this.#path));
  }

  of(vault: VaultId): VaultPin | undefined {
    return this.#vaults.get(idKey(vault));
  }

  /** Only ever forward: another process may have seen more. */
  see(vault: VaultId, { seq, hash, epoch }: Omit<VaultPin, 'cut'>): void {
    const key = idKey(vault);
    const known = this.#vaults.get(key);
    if (seq <= (known?.seq ?? 0)) return;
    this.#vaults.set(key, { ...known, seq, hash, epoch });
    this.#write();
  }

  #write(): void {
    this.#merge(readStored(this.#path));
    const stored = { v: 1, generation: this.#generation, vaults: Object.fromEntries(this.#vaults) };
    writePrivateFile(this.#path, encodeCbor(stored));
  }

  /** What was seen in an older generation may never have been, in the view of a later one. */
  #merge(stored: z.infer<typeof Stored> | undefined): void {
    if (stored === undefined || stored.generation < this.#generation) return;
    const isLater = stored.generation > this.#generation;
    this.#generation = stored.generation;
    for (const [key, pin] of Object.entries(stored.vaults)) {
      if (isLater || pin.seq > (this.#vaults.get(key)?.seq ?? 0)) this.#vaults.set(key, pinOf(pin));
    }
  }
}

function cutBack(vaults: Map<IdKey, VaultPin>, { n, heads }: Pick<GenerationCertificate, 'n' | 'heads'>): void {
  for (const { vault, seq, head } of heads) {
    const pin = vaults.get(idKey(vault));
    if (pin === undefined || pin.seq < seq) continue;
    if (pin.seq > seq) vaults.set(idKey(vault), { seq, hash: head, epoch: pin.epoch, cut: n });
    else if (!equalBytes(pin.hash, head)) throw rollbackError(seq);
  }
}

function pinOf({ cut, ...pin }: z.infer<typeof Stored>['vaults'][string]): VaultPin {
  return cut === undefined ? pin : { ...pin, cut };
}

function readStored(path: string): z.infer<typeof Stored> | undefined {
  const bytes = readPrivateFile(path, maxBytes);
  if (bytes === undefined) return undefined;
  try {
    return Stored.parse(decodeCbor(bytes));
  } catch (cause) {
    throw new CofferError('DAMAGED', 'the memory of what the server showed before is damaged', {
      hint: `Move ${path} away only if you trust the server; it is written anew.`,
      cause,
    });
  }
}
