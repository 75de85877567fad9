import { fromUtf8 } from '@coffer/core';

/** A line of the audit log in parts, for a person. Everything in it may come from others: who shows it makes it safe. */
export interface AuditLine {
  /** Milliseconds since 1970, or what stands there instead of a time. */
  readonly at: number | string;
  readonly category: string;
  readonly event: string;
  readonly status: string;
  /** Who did it, and to whom. */
  readonly who: string;
  readonly address: string;
  /** All other fields, as `name=value`; ids by their first eight digits. */
  readonly rest: readonly string[];
}

/** Fields that stand in parts of their own. */
const ownParts = new Set([
  'time',
  'category',
  'seq',
  'prev',
  'event',
  'status',
  'operation',
  'account',
  'subject',
  'address',
]);

/** Undefined for what is no line of the log. `nameOf` knows accounts by their ids in hex. */
export function readAuditLine(text: string, nameOf: (account: string) => string): AuditLine | undefined {
  const line = parsed(text);
  if (line === undefined) return undefined;
  const word = (name: string): string => (typeof line[name] === 'string' ? line[name] : '');
  const who = word('account') === '' ? '-' : nameOf(word('account'));
  const whom = word('subject') === '' ? '' : ` → ${nameOf(word('subject'))}`;
  const atMs = Date.parse(word('time'));
  return {
    at: Number.isNaN(atMs) ? word('time') : atMs,
    category: word('category'),
    event: word('event'),
    status: word('status'),
    who: `${who}${whom}`,
    address: word('address') || '-',
    rest: Object.entries(line).flatMap(([name, value]) => (ownParts.has(name) ? [] : [`${name}=${plain(value)}`])),
  };
}

/** A line as it stands in the log, which may hold anything. */
export function auditLineText(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function plain(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? '';
  return /^[0-9a-f]{32,64}$/.test(value) ? value.slice(0, 8) : value;
}
