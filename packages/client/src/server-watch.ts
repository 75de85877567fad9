import { CofferError, equalBytes, idKey } from '@coffer/core';
import type { IdKey } from '@coffer/core';
import type { AuditCategory, ClientConnection, RequestOf, ResponseOf } from '@coffer/protocol';
import { isSound } from './audit-findings.ts';
import type { Connections } from './connection/connections.ts';
import type { AuditMemory } from './profile/audit-memory.ts';

export type ServerSession = ResponseOf<'admin.sessionList'>['sessions'][number];
export type ServerAlert = ResponseOf<'admin.alertList'>['alerts'][number];
export type ServerShare = ResponseOf<'admin.shareList'>['shares'][number];
export type AuditReport = ResponseOf<'admin.verifyAudit'>['categories'][number];

export interface ReadLogs {
  /** Empty: all. */
  readonly categories: readonly AuditCategory[];
  readonly username: string | undefined;
  readonly sinceMs: number | undefined;
  /** Goes on with what comes, until the signal. */
  readonly follow: boolean;
  /** Told whenever all that was written until now was given. */
  readonly onCaughtUp?: () => void;
}

/** A line of the log as the server sent it; unchecked. */
export interface LoggedLine {
  readonly bytes: Uint8Array;
  /** What the server calls the accounts in these lines, by id. */
  readonly names: ReadonlyMap<IdKey, string>;
}

/** What goes on at the server, for its administrators: log, sessions, alerts. @throws NOT_ALLOWED for others, UNREACHABLE */
export class ServerWatch {
  readonly #connections: Connections;
  readonly #memory: () => AuditMemory;

  /** `memory` is opened when the log is verified. */
  constructor(connections: Connections, memory: () => AuditMemory) {
    this.#connections = connections;
    this.#memory = memory;
  }

  /** Lines by time, page by page; a broken connection goes on where it was. */
  async *logs(wanted: ReadLogs, signal?: AbortSignal): AsyncGenerator<LoggedLine> {
    const { categories, username, sinceMs, follow, onCaughtUp } = wanted;
    const about = { categories: [...categories], username: username ?? null, sinceMs: sinceMs ?? null };
    for (let from: RequestOf<'admin.logs'>['from'] = [], wait = false; ;) {
      const request: RequestOf<'admin.logs'> = { ...about, from, wait };
      const page = await this.#ask((one) => one.request('admin.logs', request, optionsOf(signal)), signal);
      const names = new Map(page.names.map(({ account, username: name }) => [idKey(account), name]));
      for (const bytes of page.lines) yield { bytes, names };
      from = page.from;
      if (!page.more) onCaughtUp?.();
      if (!page.more && !follow) return;
      wait = !page.more;
    }
  }

  /**
   * Has the log verified, and compares it with the ends that this device saw the last time: a log that was taken back
   * together with its heads looks whole to the server, and one that it does not report is missing as a whole. What was seen is remembered unless something is wrong, or with `accept` in any case. @throws DAMAGED, IO
   */
  async verifyAudit({ accept }: { readonly accept: boolean }, signal?: AbortSignal): Promise<readonly AuditReport[]> {
    const memory = this.#memory();
    const known = memory.ends();
    const request = { known: [...known] };
    const { categories } = await this.#ask(
      (one) => one.request('admin.verifyAudit', request, optionsOf(signal)),
      signal,
    );
    const reports = [...categories.map((report) => judged(report, known)), ...silentOf(categories, known)];
    if (accept || reports.every(isSound)) memory.remember(reports);
    return reports;
  }

  /** Connections of devices that are proved, the oldest first. @throws INTEGRITY when there is no end of them */
  sessions(signal?: AbortSignal): Promise<readonly ServerSession[]> {
    return allPages('sessions', async (all) => {
      const ask = { skip: all.length };
      const page = await this.#ask((one) => one.request('admin.sessionList', ask, optionsOf(signal)), signal);
      return { rows: page.sessions, more: page.more };
    });
  }

  /** Its device may come back. @throws NOT_FOUND */
  async endSession(session: Uint8Array, signal?: AbortSignal): Promise<void> {
    await this.#ask((one) => one.request('admin.sessionEnd', { session }, optionsOf(signal)), signal);
  }

  /** Whom vaults of this account are shared with. @throws NOT_FOUND; INTEGRITY as {@link sessions} */
  shares(username: string, signal?: AbortSignal): Promise<readonly ServerShare[]> {
    return allPages('shares', async (all) => {
      const ask = { username, skip: all.length };
      const page = await this.#ask((one) => one.request('admin.shareList', ask, optionsOf(signal)), signal);
      return { rows: page.shares, more: page.more };
    });
  }

  /** The newest first; a server keeps a thousand. @throws INTEGRITY as {@link sessions} */
  alerts(signal?: AbortSignal): Promise<readonly ServerAlert[]> {
    return allPages('alerts', async (all) => {
      const before = all.at(-1)?.id ?? null;
      const page = await this.#ask((one) => one.request('admin.alertList', { before }, optionsOf(signal)), signal);
      const rows = page.alerts.filter(({ id }) => before === null || id < before);
      return { rows, more: page.more };
    });
  }

  /** @throws NOT_FOUND */
  async acknowledge(id: number, signal?: AbortSignal): Promise<void> {
    await this.#ask((one) => one.request('admin.alertAck', { id }, optionsOf(signal)), signal);
  }

  #ask<Result>(work: (connection: ClientConnection) => Promise<{ readonly response: Result }>, signal?: AbortSignal) {
    return this.#connections.run('control', async (connection) => (await work(connection)).response, signal);
  }
}

/** Rows of one list that are believed: one that never ends would fill this machine's memory. */
const rowLimit = 100_000;

/** Asks for page after page, each told what came before it. @throws INTEGRITY when there is no end of them */
async function allPages<Row>(
  what: string,
  next: (all: readonly Row[]) => Promise<{ readonly rows: readonly Row[]; readonly more: boolean }>,
): Promise<readonly Row[]> {
  const all: Row[] = [];
  while (all.length < rowLimit) {
    const { rows, more } = await next(all);
    all.push(...rows);
    if (!more || rows.length === 0) return all;
  }
  throw new CofferError('INTEGRITY', `the server lists more than ${rowLimit} ${what}`, {
    hint: 'No server has as many.',
  });
}

/** What the server says of remembered ends, but for what this side can see by itself. */
function judged(report: AuditReport, known: ReturnType<AuditMemory['ends']>): AuditReport {
  const remembered = known.find(({ category }) => category === report.category);
  if (remembered === undefined) return { ...report, known: null };
  const { seq, hash } = remembered;
  const isAtEnd = report.lastSeq === seq && equalBytes(report.lastHash, hash);
  const isBehind = report.lastSeq < seq;
  const isOther =
    isBehind || (report.lastSeq === seq && !isAtEnd) || (report.known === 'gone' && report.firstSeq <= seq);
  return { ...report, known: isOther || report.known === null ? 'other' : report.known };
}

/** Categories that this device remembers, and the server says nothing of: to be silent must not look better than to be empty. */
function silentOf(categories: readonly AuditReport[], known: ReturnType<AuditMemory['ends']>): readonly AuditReport[] {
  const silent = known.filter(({ category }) => categories.every((report) => report.category !== category));
  const problem = { kind: 'truncated', file: '', line: 0, seq: 0 } as const;
  const nothing = { lines: 0, firstSeq: 1, lastSeq: 0, lastHash: new Uint8Array(32) };
  return silent.map(({ category }) => ({ category, ...nothing, problem, known: 'other' as const }));
}

function optionsOf(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
