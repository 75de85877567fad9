import { describe, expect, test } from '@jest/globals';
import type { Clock } from '@coffer/core';
import type { AuditEvent } from '@coffer/server';
import { LoginGuard } from '../src/login/login-guard.ts';

const limits = { attemptsPerHour: 3, addressPerHour: 5, alertAfter: 3, alertWindowMs: 60_000 };

function guardWith(changed: Partial<typeof limits> = {}) {
  const slept: number[] = [];
  const alerts: AuditEvent[] = [];
  let now = 0;
  const clock: Clock = {
    nowMs: () => now,
    monotonicMs: () => (now += 1),
    sleep: async (ms) => void slept.push(Math.round(ms)),
  };
  const audit = { record: (_category: string, event: AuditEvent) => void alerts.push(event) };
  const guard = new LoginGuard({ clock, audit }, { ...limits, ...changed });
  const begin = (name: string, address: string) => guard.begin(name, address, new AbortController().signal);
  return { begin, slept, alerts, guard };
}

describe('LoginGuard', () => {
  test('attempts past the limit of a name wait, from wherever they come; other names do not', async () => {
    const { begin, slept } = guardWith();
    for (let n = 0; n < 3; n += 1) (await begin('victim', `192.0.2.${n}`)).failed();
    expect(slept).toEqual([]);
    await begin('victim', '192.0.2.9');
    expect(slept).toEqual([1000]);
    await begin('another', '192.0.2.9');
    expect(slept).toEqual([1000]);
  });

  test('attempts past the limit of an address wait, whatever the name', async () => {
    const { begin, slept } = guardWith();
    for (let n = 0; n < 5; n += 1) await begin(`name ${n}`, '192.0.2.1');
    await begin('name 5', '192.0.2.1');
    expect(slept).toEqual([1000]);
  });

  test('what an address may not try counts against no name', async () => {
    const { begin, slept } = guardWith({ addressPerHour: 2, attemptsPerHour: 8 });
    const flood = await Promise.allSettled(Array.from({ length: 40 }, () => begin('victim', '192.0.2.1')));
    expect(flood.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(30);
    slept.length = 0;
    await begin('victim', '192.0.2.7');
    expect(slept).toEqual([]);
  });

  test('resets and logins of one name do not wait for each other, nor do resets from elsewhere', async () => {
    const { guard, begin, slept } = guardWith({ addressPerHour: 1000 });
    const ask = (address: string) => guard.beginReset('victim', address, new AbortController().signal);
    for (let n = 0; n < 60; n += 1) await ask(`192.0.2.${n % 20}`);
    expect(slept).toEqual([]);
    await begin('victim', '198.51.100.1');
    for (let n = 0; n < 5; n += 1) await begin('victim', `198.51.100.${n}`).catch(() => undefined);
    slept.length = 0;
    await ask('198.51.100.77');
    expect(slept).toEqual([]);
    await ask('192.0.2.1');
    expect(slept).toEqual([1000]);
  });

  test('failed proofs of an address are noted up to its limit: they must not push other lines out of the log', () => {
    const { guard } = guardWith();
    const noted = Array.from({ length: 1000 }, () => guard.worthNoting('192.0.2.1')).filter(Boolean);
    expect(noted).toHaveLength(5);
    expect(guard.worthNoting('192.0.2.2')).toBe(true);
  });

  test('too many waiting are BUSY', async () => {
    const { begin } = guardWith({ addressPerHour: 1000 });
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => begin('victim', '192.0.2.1')));
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(refused.length).toBeGreaterThan(3);
    expect(refused[0]).toMatchObject({ code: 'BUSY', retryable: true });
  });

  test('a success costs nothing, and the next failures begin anew', async () => {
    const { begin, slept } = guardWith({ addressPerHour: 4 });
    for (let n = 0; n < 20; n += 1) (await begin('ann', '192.0.2.1')).succeeded();
    expect(slept).toEqual([]);
  });

  test('an alert names neither the name nor the password, and comes once per run of failures', async () => {
    const { begin, alerts } = guardWith();
    for (let n = 0; n < 5; n += 1) (await begin('victim', `192.0.2.${n}`)).failed();
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({ event: 'failed-logins', note: 'by-name', address: '192.0.2.2' });
    expect(JSON.stringify(alerts)).not.toContain('victim');
  });
});
