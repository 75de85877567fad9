import { operationOf, type OperationName } from './operations/table.ts';

/** How far a session has come (PROTOCOL §Session). */
export type Phase =
  | 'connected'
  | 'greeted'
  | 'registering'
  | 'loginStarted'
  | 'loggedIn'
  | 'challenged'
  | 'proved'
  | 'ended';

/** True when a client in `phase` may send a REQUEST for `op`. Roles in a vault come on top. */
export function mayRequest(phase: Phase, op: OperationName): boolean {
  const next = steps[op];
  if (next !== undefined) return next.from.includes(phase);
  const { access } = operationOf(op);
  if (phase === 'loggedIn') return access === 'login' || access === 'login|device';
  return phase === 'proved' && access !== 'open' && access !== 'login';
}

/** True for what moves a session on. Two of them at a time would make its phase depend on which ends first. */
export function isStep(op: OperationName): boolean {
  return steps[op] !== undefined;
}

/** Where a successful answer to `op` leads. */
export function phaseAfter(phase: Phase, op: OperationName): Phase {
  return steps[op]?.to ?? phase;
}

/** Where an ERROR answer to `op` leads: a step that failed is begun anew. */
export function phaseAfterFailure(phase: Phase, op: OperationName): Phase {
  return steps[op]?.failed ?? phase;
}

interface Step {
  readonly from: readonly Phase[];
  readonly to: Phase;
  readonly failed?: Phase;
}

const steps: Partial<Record<OperationName, Step>> = {
  'session.hello': { from: ['connected'], to: 'greeted' },
  'account.registerStart': { from: ['greeted'], to: 'registering' },
  'account.registerFinish': { from: ['registering'], to: 'greeted', failed: 'greeted' },
  'account.resetRequest': { from: ['greeted'], to: 'greeted' },
  'account.resetStatus': { from: ['greeted'], to: 'greeted' },
  'account.resetOpen': { from: ['greeted'], to: 'loggedIn' },
  'session.loginStart': { from: ['greeted'], to: 'loginStarted' },
  'session.loginFinish': { from: ['loginStarted'], to: 'loggedIn', failed: 'greeted' },
  'session.challenge': { from: ['greeted', 'loggedIn'], to: 'challenged' },
  'session.prove': { from: ['challenged'], to: 'proved', failed: 'greeted' },
  'session.end': { from: ['proved'], to: 'ended' },
};
