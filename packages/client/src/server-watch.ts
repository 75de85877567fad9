import { equalBytes, idKey } from '@coffer/core';
import type { IdKey } from '@coffer/core';
import type { AuditCategory, ClientConnection, RequestOf, ResponseOf } from '@coffer/protocol';
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
  async *logs({ categories, username, sinceMs, follow }: ReadLogs, signal?: AbortSignal): AsyncGenerator<LoggedLine> {
    const about = { categories: [...categories], username: username ?? null, sinceMs: sinceMs ?? null };
    for (let from: RequestOf<'admin.logs'>['from'] = [], wait = false; ;) {
      const request: RequestOf<'admin.logs'> = { ...about, from, wait };
      const page = await this.#ask((one) => one.request('admin.logs', request, optionsOf(signal)), signal);
      const names = new Map(page.names.map(({ account, username: name }) => [idKey(account), name]));
      for (const bytes of page.lines) yield { bytes, names };
      from = page.from;
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
    if (accept || reports.every(isWhole)) memory.remember(reports);
    return reports;
  }

  /** Connections of devices that are proved, the oldest first. */
  async sessions(signal?: AbortSignal): Promise<readonly ServerSession[]> {
    const all: ServerSession[] = [];
    for (;;) {
      const skip = all.length;
      const page = await this.#ask((one) => one.request('admin.sessionList', { skip }, optionsOf(signal)), signal);
      all.push(...page.sessions);
      if (!page.more || page.sessions.length === 0) return all;
    }
  }

  /** Its device may come back. @throws NOT_FOUND */
  async endSession(session: Uint8Array, signal?: AbortSignal): Promise<void> {
    await this.#ask((one) => one.request('admin.sessionEnd', { session }, optionsOf(signal)), signal);
  }

  /** Whom vaults of this account are shared with. @throws NOT_FOUND */
  async shares(username: string, signal?: AbortSignal): Promise<readonly ServerShare[]> {
    const all: ServerShare[] = [];
    for (;;) {
      const request = { username, skip: all.length };
      const page = await this.#ask((one) => one.request('admin.shareList', request, optionsOf(signal)), signal);
      all.push(...page.shares);
      if (!page.more || page.shares.length === 0) return all;
    }
  }

  /** The newest first; a thousand at most. */
  async alerts(signal?: AbortSignal): Promise<readonly ServerAlert[]> {
    const all: ServerAlert[] = [];
    for (;;) {
      const before = all.at(-1)?.id ?? null;
      const page = await this.#ask((one) => one.request('admin.alertList', { before }, optionsOf(signal)), signal);
      const older = page.alerts.filter(({ id }) => before === null || id < before);
      all.push(...older);
      if (!page.more || older.length === 0) return all;
    }
  }

  /** @throws NOT_FOUND */
  async acknowledge(id: number, signal?: AbortSignal): Promise<void> {
    await this.#ask((one) => one.request('admin.alertAck', { id }, optionsOf(signal)), signal);
  }

  #ask<Result>(work: (connection: ClientConnection) => Promise<{ readonly response: Result }>, signal?: AbortSignal) {
    return this.#connections.run('control', async (connection) => (await work(connection)).response, signal);
  }
}

/** Nothing in it is wrong, nor other than this device remembers. */
function isWhole({ problem, known }: AuditReport): boolean {
  return problem === null && known !== 'other';
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
