import { describe, expect, test } from '@jest/globals';
import { KiB, MiB } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { createMemoryTransportPair } from '@coffer/protocol/testing';
import { LimitedTransport } from '../src/bandwidth/limited-transport.ts';
import { TokenBucket } from '../src/bandwidth/token-bucket.ts';
import { clockSkewMs } from '../src/connection/clock-skew.ts';
import { BandwidthSchedule, limitsAt, parseBandwidth } from '../src/index.ts';

/** Sleeping moves it on, and nothing else does. */
class SleepClock implements Clock {
  atMs = 0;

  nowMs(): number {
    return this.atMs;
  }

  monotonicMs(): number {
    return this.atMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.atMs += ms;
    await Promise.resolve();
  }
}

describe('limits', () => {
  test.each([
    ['500KiB', 500 * KiB, 500 * KiB],
    ['2MiB/s', 2 * MiB, 2 * MiB],
    ['1MiB:off', MiB, undefined],
    ['off:64k', undefined, 64 * KiB],
    ['off', undefined, undefined],
  ])('%s', (text, upBytesPerSecond, downBytesPerSecond) => {
    expect(parseBandwidth(text)).toEqual({ upBytesPerSecond, downBytesPerSecond });
  });

  test.each(['', ':', 'fast', '1MiB:', '-1', '1:2:3', '1KiB', '0', '15KiB:off'])('"%s" is none', (text) => {
    expect(() => parseBandwidth(text)).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });
});

describe('by time of day', () => {
  const schedule = BandwidthSchedule.parse([
    { from: '08:00', to: '18:00', days: ['mon', 'tue', 'wed', 'thu', 'fri'], limit: '1MiB:2MiB' },
    { from: '22:00', to: '06:00', days: ['fri'], limit: 'off' },
    { from: '00:00', to: '00:00', days: ['sat'], limit: '64KiB' },
  ]);

  // 2 November 2026 is a Monday.
  test.each([
    ['before', new Date(2026, 10, 2, 7, 59), undefined],
    ['first minute', new Date(2026, 10, 2, 8, 0), MiB],
    ['last minute', new Date(2026, 10, 6, 17, 59), MiB],
    ['after', new Date(2026, 10, 6, 18, 0), undefined],
    ['a day without', new Date(2026, 10, 8, 12, 0), undefined],
    ['the span that began the night before comes first', new Date(2026, 10, 7, 5, 59), undefined],
    ['a whole day', new Date(2026, 10, 7, 6, 0), 64 * KiB],
    ['its last minute', new Date(2026, 10, 7, 23, 59), 64 * KiB],
    ['and no longer', new Date(2026, 10, 8, 0, 0), undefined],
  ])('%s', (_name, at, up) => {
    expect(limitsAt(schedule, at).upBytesPerSecond).toBe(up);
  });

  test.each([
    { from: '8:00', to: '18:00', limit: '1MiB' },
    { from: '24:00', to: '18:00', limit: '1MiB' },
    { from: '08:00', to: '18:00', limit: 'fast' },
    { from: '08:00', to: '18:00', limit: '1MiB', days: ['someday'] },
    { from: '08:00', to: '18:00', limit: '1MiB', rate: 1 },
  ])('%j is refused', (span) => {
    expect(BandwidthSchedule.safeParse([span]).success).toBe(false);
  });
});

describe('what is held back', () => {
  test('a rate is kept over any number of takes, whoever takes; after a pause only one goes at once', async () => {
    const clock = new SleepClock();
    const bucket = new TokenBucket(clock, () => 100 * KiB);
    for (let taken = 0; taken < 64; taken += 1) await bucket.take(50 * KiB);
    expect(clock.atMs).toBe(63 * 500);
    clock.atMs += 60_000;
    const before = clock.atMs;
    await bucket.take(50 * KiB);
    await bucket.take(50 * KiB);
    expect(clock.atMs - before).toBe(500);
  });

  test('no limit is no wait, and a limit may come and go', async () => {
    const clock = new SleepClock();
    const limits: { rate?: number } = {};
    const bucket = new TokenBucket(clock, () => limits.rate);
    for (let taken = 0; taken < 10; taken += 1) await bucket.take(MiB);
    expect(clock.atMs).toBe(0);
    limits.rate = MiB;
    await bucket.take(MiB);
    await bucket.take(MiB);
    expect(clock.atMs).toBe(1000);
  });

  test('a transport passes the same bytes, both ways, at the rate', async () => {
    const clock = new SleepClock();
    const [near, far] = createMemoryTransportPair();
    const bucket = (): TokenBucket => new TokenBucket(clock, () => 64 * KiB);
    const limited = new LimitedTransport(near, { up: bucket(), down: bucket() });
    const sent = Uint8Array.from({ length: 1_000_003 }, (_, index) => index * 7);
    const parts = [sent.subarray(0, 3), sent.subarray(3, 300_000), new Uint8Array(0), sent.subarray(300_000)];
    const arrived = read(far.incoming, sent.byteLength);
    await Promise.all([limited.write(parts.slice(0, 2)), limited.write(parts.slice(2))]);
    expect(Buffer.compare(await arrived, sent)).toBe(0);
    expect(clock.atMs / 1000).toBeGreaterThan(1_000_003 / (64 * KiB) - 2);
    const back = read(limited.incoming, sent.byteLength);
    for (let at = 0; at < sent.byteLength; at += 10_000) await far.write([sent.subarray(at, at + 10_000)]);
    expect(Buffer.compare(await back, sent)).toBe(0);
    limited.destroy();
    await expect(limited.write([sent])).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });
});

test('a clock that is far off is told, a little is not', () => {
  expect([clockSkewMs(299_999, 0), clockSkewMs(0, 299_999)]).toEqual([undefined, undefined]);
  expect([clockSkewMs(300_000, 0), clockSkewMs(0, 3_600_000)]).toEqual([300_000, -3_600_000]);
});

async function read(incoming: AsyncIterable<Uint8Array>, bytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of incoming) {
    parts.push(Uint8Array.from(part));
    length += part.byteLength;
    if (length >= bytes) break;
  }
  return Buffer.concat(parts);
}
