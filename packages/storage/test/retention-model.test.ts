import type { Clock, EntryId } from '@coffer/core';
import { dayMs, hourMs } from '@coffer/core';
import type { RetentionPolicy } from '@coffer/journal';
import { expect, test } from '@jest/globals';
import { deepEqual, equal, ok } from 'node:assert/strict';
import type { HoldBy, VersionFacts } from '../src/facts/retention-facts.ts';
import { causeAt, policyAt } from '../src/retention/ends-at.ts';
import { holdStatus } from '../src/retention/hold-status.ts';
import { RetentionClock } from '../src/retention/retention-clock.ts';
import { MemoryStatements, MemoryVersions } from '../src/testing/memory-retention.ts';
import { nameOf, NaiveRetention } from './support/naive-retention.ts';
import { TestClock } from './support/test-clock.ts';

/** Histories played; a longer run is asked for in the environment. */
const histories = Number(process.env['COFFER_RETENTION_HISTORIES'] ?? 500);
const firstSeed = Number(process.env['COFFER_RETENTION_SEED'] ?? 1);
const steps = 60;

const account = new Uint8Array(16).fill(9);
const standard: RetentionPolicy = { versions: 3, days: 10, trashDays: 5 };

/** One random history, told to the rule and to the naive reference. */
class History implements AsyncDisposable {
  readonly #random: () => number;
  readonly #clock = new TestClock();
  readonly #settings = new Map<string, Uint8Array>();
  readonly #versions = new MemoryVersions();
  readonly #statements = new MemoryStatements();
  readonly #naive = new NaiveRetention(standard);
  #retention: RetentionClock | undefined;
  #seq = 1;
  #lastMs = 0;
  #lastNowMs = 0;
  #lastHoldMs = 0;
  expired = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  async play(): Promise<void> {
    await this.#start();
    this.#lastNowMs = this.#now.nowMs();
    for (let step = 0; step < steps; step += 1) {
      await this.#time();
      this.#step();
      if (this.#luck(3) === 0) this.#expire();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#retention?.[Symbol.asyncDispose]();
  }

  async #start(): Promise<void> {
    const clock: Clock = this.#clock;
    const settings = this.#settings;
    const accounts = {
      setting: async (key: string) => settings.get(key),
      setSetting: async (key: string, value: Uint8Array) => void settings.set(key, value),
    };
    this.#retention = await RetentionClock.open({ clock, accounts });
    await this.#retention.begin();
  }

  get #now(): RetentionClock {
    if (!this.#retention) throw new TypeError('the clock is stopped');
    return this.#retention;
  }

  /** Time passes, the machine sleeps, its clock jumps, the server starts again; retention's clock follows only the first two. */
  async #time(): Promise<void> {
    const luck = this.#luck(12);
    const passedMs = this.#luck(2) * this.#luck(4 * dayMs) + this.#luck(3) * hourMs;
    if (luck === 0) this.#clock.jump((this.#luck(2) * 2 - 1) * this.#luck(3650 * dayMs));
    if (luck === 1) this.#clock.jump((this.#luck(2) * 2 - 1) * this.#luck(hourMs));
    if (luck === 2) this.#clock.jump(this.#now.nowMs() - this.#clock.nowMs());
    if (luck === 3 && this.#now.paused) await this.#accept();
    if (luck === 4) {
      await this.#now[Symbol.asyncDispose]();
      this.#clock.restart();
      await this.#start();
      const gained = this.#now.nowMs() - this.#lastNowMs;
      ok(gained >= 0 && gained <= dayMs, 'a restart moves the clock by a day at most');
      this.#lastNowMs = this.#now.nowMs();
    }
    if (this.#luck(4) === 0) this.#clock.suspend(passedMs);
    else this.#clock.advance(passedMs);
    const nowMs = this.#now.nowMs();
    ok(nowMs >= this.#lastNowMs && nowMs - this.#lastNowMs <= passedMs, 'the clock runs too fast, or back');
    equal(this.#now.paused, Math.abs(this.#clock.nowMs() - nowMs) > dayMs);
    this.#lastNowMs = nowMs;
  }

  async #accept(): Promise<void> {
    await this.#now.accept();
    this.#lastNowMs = this.#now.nowMs();
    equal(this.#lastNowMs, this.#clock.nowMs());
  }

  #step(): void {
    const at = this.#receive();
    const entry = this.#luck(2);
    const luck = this.#luck(20);
    if (luck < 8) this.#put(entry, at);
    else if (luck < 11) this.#drop(entry, at);
    else if (luck < 13) this.#keep(entry, at);
    else if (luck < 15) this.#purge(entry, at);
    else if (luck < 17) this.#setPolicy(at);
    else if (luck < 18) this.#hold();
    // A flood.
    else if (luck === 18) for (let count = 0; count < 6; count += 1) this.#put(entry, this.#receive());
  }

  #put(entry: number, at: number): void {
    this.#seq += 1;
    this.#naive.events.push({ kind: 'put', entry, seq: this.#seq, at });
    this.#versions.put({ id: idOf(entry), seq: this.#seq, bytes: 1, fromMs: at });
  }

  #drop(entry: number, at: number): void {
    const reason = this.#luck(2) ? 'removed' : 'moved';
    this.#naive.events.push({ kind: 'drop', entry, reason, at });
    this.#versions.drop(idOf(entry), reason, at);
  }

  #keep(entry: number, at: number): void {
    const kept = this.#versions.ofEntry(idOf(entry));
    const version = kept[this.#luck(Math.max(1, kept.length))];
    if (!version) return;
    this.#naive.events.push({ kind: 'keep', entry, seq: version.seq, at });
    this.#versions.keep(idOf(entry), version.seq, at);
  }

  #purge(entry: number, at: number): void {
    const seqs = this.#versions
      .ofEntry(idOf(entry))
      .map(({ seq }) => seq)
      .filter(() => this.#luck(2));
    this.#naive.events.push({ kind: 'purge', entry, seqs, at });
    this.#versions.purge({ kind: 'purge', entry: idOf(entry), seqs }, at);
  }

  #setPolicy(at: number): void {
    const policy = { versions: 1 + this.#luck(5), days: this.#luck(15), trashDays: 1 + this.#luck(9) };
    this.#naive.events.push({ kind: 'policy', policy, at });
    this.#versions.policies.push({ policy, receivedAtMs: at });
  }

  #hold(): void {
    const by: HoldBy = this.#luck(2) ? 'account' : 'admin';
    const on = this.#luck(3) === 0;
    const at = Math.max(this.#now.nowMs(), this.#lastHoldMs + 1);
    this.#lastHoldMs = at;
    this.#naive.events.push({ kind: 'hold', by, on, at });
    this.#statements.changeHold({ account, by, on, atMs: at, reason: '' });
  }

  #expire(): void {
    const nowMs = this.#now.nowMs();
    if (this.#now.paused) return;
    const due = this.#due(nowMs);
    deepEqual(due, this.#naive.due(nowMs));
    for (const [name, cause] of due) this.#let(name, { cause, nowMs });
  }

  /** As the storage decides. */
  #due(nowMs: number): Map<string, 'rules' | 'purge'> {
    if (holdStatus(this.#statements.holds(account), nowMs).on) return new Map();
    const policy = policyAt(this.#versions.history(nowMs), { nowMs, defaultPolicy: standard });
    const ended = this.#versions.ended(undefined);
    const causes = ended.map((version): [VersionFacts, 'rules' | 'purge' | undefined] => [
      version,
      causeAt(version, { policy, nowMs }),
    ]);
    return new Map(
      causes.flatMap(([{ entry, seq }, cause]) => (cause ? [[`${entry[0]}/${seq}`, cause] as const] : [])),
    );
  }

  /** A version goes; and nothing that speaks for it is true. */
  #let(name: string, { cause, nowMs }: { readonly cause: 'rules' | 'purge'; readonly nowMs: number }): void {
    const version = this.#versions.versions.find(({ id, seq }) => `${id[0]}/${seq}` === name);
    ok(version?.endedAtMs !== undefined, 'a current version goes');
    ok(nowMs - version.endedAtMs >= dayMs, 'a version goes within a day');
    this.#naive.gone.add(nameOf({ entry: version.id[0] ?? 0, seq: version.seq }));
    this.#versions.expire(version.id, { seq: version.seq, atMs: nowMs, cause });
    this.expired += 1;
  }

  #receive(): number {
    this.#lastMs = Math.max(this.#lastMs, this.#now.receiveMs());
    return this.#lastMs;
  }

  #luck(below: number): number {
    return Math.floor(this.#random() * below);
  }
}

/** Mulberry32: a hundred times faster than hashing, and this asks for millions of numbers. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function idOf(entry: number): EntryId {
  return new Uint8Array(16).fill(entry);
}

test('the rule agrees with a naive reference, and the clock with what time passed', async () => {
  let expired = 0;
  for (let seed = firstSeed; seed < firstSeed + histories; seed += 1) {
    await using history = new History(seed);
    await history.play().catch((error: unknown) => {
      throw new Error(`history ${seed}`, { cause: error });
    });
    expired += history.expired;
  }
  expect(expired).toBeGreaterThan(histories / 4);
}, 7_200_000);
