import { z } from 'zod';
import { formatTime } from './time.ts';

/** What an account did in one day, local time, as the audit log tells it. */
export interface ActivityDay {
  /** `2026-11-20`. */
  readonly day: string;
  /** Times that a device of it proved itself. */
  connections: number;
  /** Logins and proofs that were refused. */
  refused: number;
  /** Sync runs that began; that ended badly; of which no end is known. */
  runs: number;
  failedRuns: number;
  unfinishedRuns: number;
  sentBytes: number;
  fetchedBytes: number;
  commits: number;
  /** Memberships changed, by it or of it. */
  sharing: number;
  /** Operations that were denied. */
  denied: number;
}

/** The fields that count; a line is unchecked until here, and may hold anything else beside them. */
const Line = z.looseObject({
  time: z.iso.datetime(),
  category: z.string(),
  event: z.string(),
  status: z.string(),
  account: z.string().optional(),
  address: z.string().max(64).optional(),
  job: z.string().max(64).optional(),
  bytes: z.number().int().nonnegative().optional(),
  counts: z.looseObject({ commits: z.number().int().nonnegative().optional() }).optional(),
});
type Line = z.infer<typeof Line>;

/** More than a person has; the rest is not listed. */
const addressesShown = 20;
/** Ten years; a log that names more of them was not written by a daemon. */
const daysShown = 3660;
/** Runs that are remembered until their end is read. */
const openRuns = 100_000;

/** Sums up the lines of one account by day. Lines of others, and what is no line, change nothing but `sharing`. */
export class Activity {
  readonly #account: string;
  readonly #days = new Map<string, ActivityDay>();
  readonly #addresses = new Set<string>();
  /** The day on which a run began, by its id. */
  readonly #running = new Map<string, ActivityDay>();

  /** `account`: its id in hex. */
  constructor(account: string) {
    this.#account = account;
  }

  /** Days on which something happened, the newest first. */
  get days(): readonly Readonly<ActivityDay>[] {
    return [...this.#days.values()].toSorted((a, b) => (a.day < b.day ? 1 : -1));
  }

  /** Addresses that its devices came from, in the order in which they were first seen. */
  get addresses(): readonly string[] {
    return [...this.#addresses];
  }

  add(text: string): void {
    const line = parsed(text);
    if (line === undefined) return;
    const isOwn = line.account === this.#account;
    if (!isOwn && !isSharing(line)) return;
    const day = this.#day(formatTime(Date.parse(line.time)).slice(0, 'yyyy-mm-dd'.length));
    if (day === undefined) return;
    if (isSharing(line)) day.sharing += 1;
    if (!isOwn) return;
    if (line.event === 'session.prove' && line.status === 'OK') this.#connected(day, line);
    if (line.category === 'auth' && line.status === 'REFUSED') day.refused += 1;
    if (line.category === 'anomaly' && line.status === 'NOT_ALLOWED') day.denied += 1;
    if (line.event === 'chunk.put') day.sentBytes += line.bytes ?? 0;
    if (line.event === 'chunk.get') day.fetchedBytes += line.bytes ?? 0;
    if (line.event === 'vault.append' && line.status === 'OK') day.commits += line.counts?.commits ?? 0;
    if (line.event === 'job.begin') this.#began(day, line);
    if (line.event === 'job.end') this.#ended(line);
  }

  #day(name: string): ActivityDay | undefined {
    const known = this.#days.get(name);
    if (known !== undefined || this.#days.size >= daysShown) return known;
    const sessions = { connections: 0, refused: 0, denied: 0, sharing: 0 };
    const work = { runs: 0, failedRuns: 0, unfinishedRuns: 0, sentBytes: 0, fetchedBytes: 0, commits: 0 };
    const day = { day: name, ...sessions, ...work };
    this.#days.set(name, day);
    return day;
  }

  #connected(day: ActivityDay, { address }: Line): void {
    day.connections += 1;
    if (address !== undefined && this.#addresses.size < addressesShown) this.#addresses.add(address);
  }

  #began(day: ActivityDay, { job }: Line): void {
    day.runs += 1;
    if (job === undefined || this.#running.size >= openRuns || this.#running.has(job)) return;
    day.unfinishedRuns += 1;
    this.#running.set(job, day);
  }

  #ended({ job, status }: Line): void {
    const began = job === undefined ? undefined : this.#running.get(job);
    if (job === undefined || began === undefined) return;
    this.#running.delete(job);
    began.unfinishedRuns -= 1;
    if (status === 'INTERNAL') began.failedRuns += 1;
  }
}

function isSharing({ category, status }: Line): boolean {
  return (category === 'share' || category === 'team') && status === 'OK';
}

function parsed(text: string): Line | undefined {
  try {
    return Line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
