import { mkdir } from 'node:fs/promises';
import { secondMs, utf8, type Clock } from '@coffer/core';
import { auditCategories, type Audit, type AuditCategory, type AuditEvent } from './audit.ts';
import { findGaps, type AuditGap } from './audit-gaps.ts';
import type { AuditHead, AuditHeadStore } from './audit-heads.ts';
import { formatLine, lineHash, type ChainPlace } from './audit-line.ts';
import { AuditWriter } from './audit-writer.ts';

/** Lines of a category that wait for a slow disk, a few megabytes; more are counted instead of kept. */
const maxWaiting = 10_000;
/** Lines that are written at once. */
const maxTogether = 1000;
/** How often heads are written while lines come: each time is a flush of the file and one of accounts.db. */
const headEveryMs = 2 * secondMs;
/** A disk that refused lines is tried again after. */
const retryMs = secondMs;

export interface AuditLogOptions {
  readonly path: string;
  readonly maxBytes: number;
  /** Files kept per category. */
  readonly keep: number;
}

/** The audit log as the daemon uses it beside {@link Audit}. */
export interface AuditTrail extends Audit {
  /**
   * Compares what is in the files with what they should end with, tells of every difference, and keeps the heads there from
   * now on. Disposing writes them once more: before the store is closed.
   */
  anchor(
    store: Pick<AuditHeadStore, 'read' | 'write'>,
  ): Promise<AsyncDisposable & { readonly gaps: readonly AuditGap[] }>;
  /** What was recorded before is in the files; it does not wait for what comes meanwhile. */
  flush(): Promise<void>;
}

interface Chain {
  readonly writer: AuditWriter;
  readonly waiting: { readonly event: AuditEvent; readonly atMs: number }[];
  dropped: number;
  /** Lines that have left `waiting`. */
  written: number;
  /** The place after which the next line comes: another one than the writer's after a gap. */
  place: ChainPlace;
  firstSeq: number;
}

/**
 * Lines in `<path>/<category>.<day>.<n>.log`, each with its number and the hash of the one before (STORAGE §Audit). They are
 * flushed before the head that counts them is kept, so a head that is ahead of its file means that lines were taken away.
 */
export class AuditLog implements AuditTrail, AsyncDisposable {
  readonly #options: AuditLogOptions;
  readonly #clock: Clock;
  readonly #chains: ReadonlyMap<AuditCategory, Chain>;
  readonly #stop = new AbortController();
  #store: Pick<AuditHeadStore, 'read' | 'write'> | undefined;
  #pumping: Promise<void> | undefined;
  #heading: Promise<void> | undefined;
  #headsChanged = false;

  /** @throws Node's error of the filesystem when the folder or a file in it cannot be used */
  static async open(options: AuditLogOptions, { clock }: { readonly clock: Clock }): Promise<AuditLog> {
    const { path: folder, maxBytes } = options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const chains = new Map<AuditCategory, Chain>();
    for (const category of auditCategories) {
      const writer = await AuditWriter.open({ folder, category, maxBytes });
      chains.set(category, { writer, waiting: [], dropped: 0, written: 0, place: writer.last, firstSeq: 1 });
    }
    return new AuditLog(options, { clock, chains });
  }

  private constructor(
    options: AuditLogOptions,
    { clock, chains }: { readonly clock: Clock; readonly chains: ReadonlyMap<AuditCategory, Chain> },
  ) {
    this.#options = options;
    this.#clock = clock;
    this.#chains = chains;
  }

  record(category: AuditCategory, event: AuditEvent): void {
    const chain = this.#chains.get(category);
    if (chain === undefined || this.#stop.signal.aborted) return;
    if (chain.waiting.length >= maxWaiting) chain.dropped += 1;
    else chain.waiting.push({ event, atMs: this.#clock.nowMs() });
    this.#pumping ??= this.#pump();
  }

  async anchor(
    store: Pick<AuditHeadStore, 'read' | 'write'>,
  ): Promise<AsyncDisposable & { readonly gaps: readonly AuditGap[] }> {
    await this.flush();
    const heads = await store.read();
    const gaps = await findGaps(this.#options.path, { heads, ends: this.#ends() });
    for (const [category, { firstSeq }] of heads) this.#chainOf(category).firstSeq = firstSeq;
    for (const gap of gaps) this.#goOnAfter(gap);
    this.#store = store;
    this.#headsChanged = true;
    this.#headSoon();
    return { gaps, [Symbol.asyncDispose]: () => this.#detach() };
  }

  async flush(): Promise<void> {
    const goals = [...this.#chains.values()].map((chain) => ({ chain, goal: chain.written + chain.waiting.length }));
    const isOpen = (): boolean => goals.some(({ chain, goal }) => chain.written < goal);
    while (isOpen() && this.#pumping !== undefined && !this.#stop.signal.aborted) await this.#pumping;
  }

  /** Writes what waits, as far as the disk takes it, then closes the files. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#pumping;
    await this.#heading;
    await this.#writeAll().catch(() => undefined);
    for (const { writer } of this.#chains.values()) await writer[Symbol.asyncDispose]();
  }

  async #detach(): Promise<void> {
    await this.#writeHeads().catch(() => undefined);
    this.#store = undefined;
  }

  /** The line says it for as long as the log is kept; without it nobody would see it once the head has moved on. */
  #goOnAfter({ category, why, head, found }: AuditGap): void {
    const chain = this.#chainOf(category);
    if (why === 'missing') chain.place = head;
    const counts = { expected: head.seq, found };
    this.record(category, { event: 'audit-gap', status: 'INTEGRITY', note: why, counts });
    this.record('anomaly', { event: 'audit-changed', status: 'INTEGRITY', note: category, counts });
  }

  async #pump(): Promise<void> {
    try {
      // Lines of one moment go together.
      await Promise.resolve();
      await this.#writeRound();
    } catch {
      // A full disk must not end the daemon.
      await this.#clock.sleep(retryMs, this.#stop.signal).catch(() => undefined);
    } finally {
      this.#pumping = undefined;
    }
    if (this.#isWaiting() && !this.#stop.signal.aborted) this.#pumping = this.#pump();
  }

  async #writeAll(): Promise<void> {
    while (this.#isWaiting()) await this.#writeRound();
  }

  /** One batch of each: who fills one category must not keep the lines of the others out of their files. */
  async #writeRound(): Promise<void> {
    for (const [category, chain] of this.#chains) await this.#write(category, chain);
    this.#headSoon();
  }

  #isWaiting(): boolean {
    return [...this.#chains.values()].some(({ waiting }) => waiting.length > 0);
  }

  async #write(category: AuditCategory, chain: Chain): Promise<void> {
    const entries = chain.waiting.slice(0, maxTogether);
    const [first, taken, dropped] = [entries[0], entries.length, chain.dropped];
    if (first === undefined) return;
    if (dropped > 0) {
      const event = { event: 'audit-dropped', status: 'LIMIT', counts: { lines: dropped } } as const;
      entries.push({ event, atMs: this.#clock.nowMs() });
    }
    const { text, last } = chained({ category, entries, after: chain.place });
    await chain.writer.append(text, { day: new Date(first.atMs).toISOString().slice(0, 10), last });
    chain.place = last;
    chain.waiting.splice(0, taken);
    chain.written += taken;
    chain.dropped -= dropped;
    this.#headsChanged = true;
  }

  #headSoon(): void {
    if (this.#store === undefined || !this.#headsChanged || this.#heading !== undefined) return;
    this.#heading = this.#headLater().finally(() => {
      this.#heading = undefined;
      if (!this.#stop.signal.aborted) this.#headSoon();
    });
  }

  async #headLater(): Promise<void> {
    await this.#clock.sleep(headEveryMs, this.#stop.signal).catch(() => undefined);
    // On a full disk, or beside a busy command, with the next ones.
    await this.#writeHeads().catch(() => undefined);
  }

  /** Lines first, then what counts them; files that the heads no longer need go last. */
  async #writeHeads(): Promise<void> {
    const store = this.#store;
    if (store === undefined || !this.#headsChanged) return;
    this.#headsChanged = false;
    try {
      const heads = this.#ends();
      for (const category of heads.keys()) await this.#syncAndFloor(category, heads);
      await store.write(heads);
      for (const { writer } of this.#chains.values()) await writer.prune(this.#options.keep);
    } catch (error) {
      this.#headsChanged = true;
      throw error;
    }
  }

  async #syncAndFloor(category: AuditCategory, heads: Map<AuditCategory, AuditHead>): Promise<void> {
    const chain = this.#chainOf(category);
    await chain.writer.sync();
    const firstSeq = (await chain.writer.firstKept(this.#options.keep)) ?? chain.firstSeq;
    chain.firstSeq = firstSeq;
    const head = heads.get(category);
    if (head !== undefined) heads.set(category, { ...head, firstSeq });
  }

  #ends(): Map<AuditCategory, AuditHead> {
    const ends = new Map<AuditCategory, AuditHead>();
    for (const [category, { writer, firstSeq }] of this.#chains)
      if (writer.last.seq > 0) ends.set(category, { ...writer.last, firstSeq });
    return ends;
  }

  #chainOf(category: AuditCategory): Chain {
    const chain = this.#chains.get(category);
    if (chain === undefined) throw new TypeError(`no such category: ${category}`);
    return chain;
  }
}

interface Entries {
  readonly category: AuditCategory;
  readonly entries: readonly { readonly event: AuditEvent; readonly atMs: number }[];
  readonly after: ChainPlace;
}

function chained({ category, entries, after }: Entries): { readonly text: string; readonly last: ChainPlace } {
  let last = after;
  let text = '';
  for (const { event, atMs } of entries) {
    const line = formatLine({ category, event, atMs }, last);
    last = { seq: last.seq + 1, hash: lineHash(utf8(line)) };
    text += `${line}\n`;
  }
  return { text, last };
}
