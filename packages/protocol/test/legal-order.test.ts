import { describe, expect, test } from '@jest/globals';
import { mayRequest, operations, type OperationName, type Phase } from '@coffer/protocol';
import { phaseAfter, phaseAfterFailure } from '../src/legal-order.ts';
import { SessionState } from '../src/session-state.ts';
import { protocolLimits } from '../src/limits.ts';

const afterProof = [
  'account.appendIdentity',
  'account.hold',
  'account.identity',
  'account.passwordFinish',
  'account.passwordStart',
  'account.rename',
  'account.requests',
  'account.requestsCancel',
  'admin.alertAck',
  'admin.alertList',
  'admin.backup',
  'admin.collect',
  'admin.inviteCreate',
  'admin.inviteList',
  'admin.inviteRevoke',
  'admin.logs',
  'admin.recount',
  'admin.requestApprove',
  'admin.requestList',
  'admin.requestReject',
  'admin.requestShow',
  'admin.scrub',
  'admin.sessionEnd',
  'admin.sessionList',
  'admin.shareList',
  'admin.status',
  'admin.userCertify',
  'admin.userList',
  'admin.userQuota',
  'admin.userRemove',
  'admin.userRole',
  'admin.userShow',
  'admin.userState',
  'admin.verifyAudit',
  'chunk.get',
  'chunk.has',
  'chunk.lost',
  'chunk.put',
  'device.list',
  'directory.identity',
  'directory.lookUp',
  'job.begin',
  'job.end',
  'notification.list',
  'notification.read',
  'session.end',
  'session.generation',
  'share.leave',
  'share.left',
  'usage.show',
  'vault.append',
  'vault.create',
  'vault.head',
  'vault.list',
  'vault.pull',
  'vault.retention',
  'vault.watch',
  'version.list',
];
const allowed: Readonly<Record<Phase, readonly string[]>> = {
  connected: ['session.hello'],
  greeted: [
    'account.registerStart',
    'account.resetOpen',
    'account.resetRequest',
    'account.resetStatus',
    'session.challenge',
    'session.loginStart',
  ],
  registering: ['account.registerFinish'],
  loginStarted: ['session.loginFinish'],
  loggedIn: [
    'account.identity',
    'account.resetFinish',
    'account.resetStart',
    'account.unlock',
    'device.enroll',
    'device.rotate',
    'device.rotation',
    'session.challenge',
    'vault.list',
  ],
  challenged: ['session.prove'],
  proved: afterProof,
  ended: [],
};
const names = Object.keys(operations) as OperationName[];

describe('the legal order', () => {
  test.each(Object.entries(allowed))('in phase %s', (phase, expected) => {
    const legal = names.filter((op) => mayRequest(phase as Phase, op));
    expect(legal.toSorted()).toEqual(expected);
  });

  test('leads from a connection to a proved session, both ways', () => {
    const login = ['hello', 'loginStart', 'loginFinish', 'challenge', 'prove', 'end'] as const;
    expect(walk(login)).toEqual(['greeted', 'loginStarted', 'loggedIn', 'challenged', 'proved', 'ended']);
    expect(walk(['hello', 'challenge', 'prove'])).toEqual(['greeted', 'challenged', 'proved']);
  });

  test('begins a failed login or proof anew', () => {
    expect(phaseAfterFailure('loginStarted', 'session.loginFinish')).toBe('greeted');
    expect(phaseAfterFailure('challenged', 'session.prove')).toBe('greeted');
    expect(phaseAfterFailure('proved', 'vault.head')).toBe('proved');
  });

  test('gives a stranger small frames and one stream', () => {
    const session = new SessionState(protocolLimits);
    expect([session.sizes, session.streams]).toEqual([{ controlBytes: 4096, dataBytes: 0 }, 1]);
    for (const op of ['session.hello', 'session.loginStart', 'session.loginFinish'] as const) session.succeeded(op);
    expect([session.sizes, session.streams]).toEqual([{ controlBytes: 262_144, dataBytes: 0 }, 64]);
    session.succeeded('session.challenge');
    expect(session.sizes.controlBytes).toBe(262_144);
    session.succeeded('session.prove');
    expect(session.sizes).toEqual({ controlBytes: 262_144, dataBytes: 4_456_448 });
  });
});

function walk(steps: readonly ('hello' | 'loginStart' | 'loginFinish' | 'challenge' | 'prove' | 'end')[]): Phase[] {
  const phases: Phase[] = [];
  let phase: Phase = 'connected';
  for (const step of steps) {
    expect(mayRequest(phase, `session.${step}`)).toBe(true);
    phase = phaseAfter(phase, `session.${step}`);
    phases.push(phase);
  }
  return phases;
}
