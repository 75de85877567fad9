import { CofferError, dayMs, equalBytes, secondMs } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { protocolVersion } from '@coffer/protocol';
import { clockSkewMs } from '../connection/clock-skew.ts';
import type { Dial } from '../connection/dial.ts';
import { greet } from '../connection/session.ts';
import type { Hello } from '../connection/session.ts';
import type { ProfileRecord } from '../profile/profile-record.ts';
import { problemOf } from './finding.ts';
import type { Finding } from './finding.ts';

/** The administrator's daemon warns then too. */
const soonMs = 14 * dayMs;

interface Met {
  readonly hello: Hello;
  readonly certificateEndsMs: number;
  readonly tookMs: number;
}

/** Whether the server of a login answers, by which key, until when, and what its clock says. Proves nothing to it. */
export async function* examineServer(
  record: ProfileRecord,
  deps: { readonly dial: Dial; readonly clock: Clock },
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  let met: Met;
  try {
    met = await meet(record, deps, signal);
  } catch (error) {
    signal.throwIfAborted();
    yield problemOf('server', error);
    return;
  }
  yield serverFinding(record, met);
  yield certificateFinding(met, deps.clock.nowMs());
  yield clockFinding(met, deps.clock.nowMs());
}

async function meet(
  { host, port, pin }: ProfileRecord,
  { dial, clock }: { readonly dial: Dial; readonly clock: Clock },
  signal: AbortSignal,
): Promise<Met> {
  const startedMs = clock.monotonicMs();
  const { transport, certificateEndsMs } = await dial({ host, port }, { kind: 'pin', pin }, signal);
  const { connection, hello } = await greet({ transport, role: 'control', clock }, signal);
  await connection[Symbol.asyncDispose]();
  return { hello, certificateEndsMs, tookMs: clock.monotonicMs() - startedMs };
}

function serverFinding({ host, port, server }: ProfileRecord, { hello, tookMs }: Met): Finding {
  const check = 'server';
  if (!equalBytes(hello.server, server)) {
    return problemOf(
      check,
      new CofferError('UNTRUSTED_SERVER', 'another server answers with the same key', {
        hint: 'Its storage was replaced by a new one. Ask the administrator; your data is on the old one.',
      }),
    );
  }
  const text = `${host}:${port} answers within ${Math.round(tookMs)} ms, with the key that is pinned; protocol ${hello.protocol}`;
  if (hello.protocol === protocolVersion) return { check, state: 'good', text };
  return { check, state: 'warning', text, hint: `This program speaks protocol ${protocolVersion}: update it.` };
}

function certificateFinding({ certificateEndsMs }: Met, nowMs: number): Finding {
  const check = 'certificate';
  const days = Math.floor((certificateEndsMs - nowMs) / dayMs);
  const text = `the server's certificate is good for ${days} days`;
  if (certificateEndsMs - nowMs >= soonMs) return { check, state: 'good', text };
  return { check, state: 'warning', text, hint: 'The administrator renews it with scripts/generate-certificates.' };
}

function clockFinding({ hello }: Met, nowMs: number): Finding {
  const check = 'clock';
  const skewMs = clockSkewMs(nowMs, hello.time);
  if (skewMs === undefined) return { check, state: 'good', text: "in step with the server's" };
  const seconds = Math.round(Math.abs(skewMs) / secondMs);
  return {
    check,
    state: 'warning',
    text: `${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} the server's`,
    hint: 'Set it, or times of changes and names of conflicts will be wrong.',
  };
}
