import { CofferError, equalBytes, fromHex, idFromKey, idKey, secondMs, type IdKey } from '@coffer/core';
import type { AuditCategory, Handlers, RequestOf, ResponseOf } from '@coffer/protocol';
import { AuditHeadStore } from '../log/audit-heads.ts';
import { readAudit, type AuditPage } from '../log/read-audit.ts';
import { verifyAudit, type CategoryReport } from '../log/verify-audit.ts';
import type { Connection } from '../session/connection.ts';
import { loggedFor } from './logged.ts';
import type { Services } from './services.ts';

type AuditOperation = 'admin.logs' | 'admin.verifyAudit';

/** How long an answer is held back that has nothing yet; below the patience of any proxy and of a drain. */
const waitMs = 20 * secondMs;
/** How often the files are looked at meanwhile. */
const lookMs = secondMs;
/** Requests that wait, of all administrators together. */
const maxWaiting = 16;
/** Names in one answer. */
const maxNames = 500;

/** The audit log from afar; who may is decided in `authorize`. */
export function auditHandlers(services: Services): Pick<Handlers<Connection>, AuditOperation> {
  const waiting = { count: 0 };
  const logged = loggedFor(services);
  return {
    'admin.logs': async (request, { signal }) => {
      const account = request.username === null ? undefined : await idOf(services, request.username);
      const ask = async (): Promise<AuditPage> => await page(services, request, account);
      const found = request.wait ? await waitFor(ask, { services, waiting, signal }) : await ask();
      return {
        lines: [...found.lines],
        names: await namesIn(services, found.lines),
        from: [...found.from].map(([category, position]) => ({ category, position })),
        more: found.more,
      };
    },
    'admin.verifyAudit': logged('admin.verifyAudit', async ({ known }) => {
      const reports = await verify(services, known);
      const problems = reports.filter(({ problem }) => problem !== undefined).length;
      return { response: { categories: reports.map((report) => shown(report, known)) }, counts: { problems } };
    }),
  };
}

async function page(
  { auditFolder, trail }: Services,
  { categories, sinceMs, from }: RequestOf<'admin.logs'>,
  account: IdKey | undefined,
): Promise<AuditPage> {
  await trail?.flush();
  const places = new Map(
    from.flatMap(({ category, position }) => (position === '' ? [] : [[category, position] as const])),
  );
  return await readAudit({ path: auditFolder, categories, sinceMs: sinceMs ?? undefined, account, from: places });
}

interface Wait {
  readonly services: Services;
  readonly waiting: { count: number };
  readonly signal: AbortSignal;
}

/** Ends early when the daemon stops: a request that waits must not hold up its drain. */
async function waitFor(
  ask: () => Promise<AuditPage>,
  { services: { clock, stopping }, waiting, signal }: Wait,
): Promise<AuditPage> {
  if (waiting.count >= maxWaiting) throw tooManyWait();
  waiting.count += 1;
  const end = AbortSignal.any([signal, stopping]);
  try {
    const untilMs = clock.monotonicMs() + waitMs;
    for (;;) {
      const found = await ask();
      if (found.lines.length > 0 || found.more || clock.monotonicMs() >= untilMs || end.aborted) return found;
      await clock.sleep(lookMs, end).catch(() => undefined);
    }
  } finally {
    waiting.count -= 1;
  }
}

async function idOf({ accounts }: Services, username: string): Promise<IdKey> {
  const record = await accounts.byName(username);
  if (record !== undefined) return idKey(record.account);
  throw new CofferError('NOT_FOUND', 'there is no account of that name', { hint: 'See `coffer admin user list`.' });
}

/** The names that the accounts in these lines have now. */
async function namesIn(
  { accounts }: Services,
  lines: readonly Uint8Array[],
): Promise<ResponseOf<'admin.logs'>['names']> {
  const ids = new Set<IdKey>();
  for (const line of lines) {
    for (const [, id] of Buffer.from(line)
      .toString('utf8')
      .matchAll(/"(?:account|subject)":"([0-9a-f]{32})"/g))
      if (id !== undefined && ids.size < maxNames) ids.add(id);
  }
  const records = await Promise.all([...ids].map((id) => accounts.byId(idFromKey(id))));
  return records.flatMap((record) => (record ? [{ account: record.account, username: record.username }] : []));
}

async function verify(
  { accounts, auditFolder, trail }: Services,
  known: RequestOf<'admin.verifyAudit'>['known'],
): Promise<readonly CategoryReport[]> {
  await trail?.flush();
  const store = new AuditHeadStore(accounts);
  const asked = new Map<AuditCategory, readonly number[]>(known.map(({ category, seq }) => [category, [seq]]));
  return await verifyAudit({ path: auditFolder, heads: () => store.read(), asked });
}

function shown(
  { category, lines, firstSeq, last, problem, asked }: CategoryReport,
  known: RequestOf<'admin.verifyAudit'>['known'],
): ResponseOf<'admin.verifyAudit'>['categories'][number] {
  const remembered = known.find((one) => one.category === category);
  const state = remembered && stateOf(remembered, { found: asked.get(remembered.seq), firstSeq, lines });
  const end = { lastSeq: last.seq, lastHash: fromHex(last.hash) };
  return { category, lines, firstSeq, ...end, problem: problem ?? null, known: state ?? null };
}

/** `gone`: it is so old that it was removed by itself. */
function stateOf(
  { seq, hash }: RequestOf<'admin.verifyAudit'>['known'][number],
  { found, firstSeq, lines }: { readonly found: string | undefined; readonly firstSeq: number; readonly lines: number },
): 'same' | 'other' | 'gone' {
  if (found !== undefined) return equalBytes(fromHex(found), hash) ? 'same' : 'other';
  return lines > 0 && seq < firstSeq ? 'gone' : 'other';
}

function tooManyWait(): CofferError {
  return new CofferError('BUSY', 'too many commands follow the log already', { hint: 'End one of them.' });
}
