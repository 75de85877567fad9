import type { RetentionPolicy } from '@coffer/journal';

const day = 24 * 3600 * 1000;
const week = 7 * day;

export type HistoryEvent =
  | { readonly kind: 'put'; readonly entry: number; readonly seq: number; readonly at: number }
  | { readonly kind: 'drop'; readonly entry: number; readonly reason: 'removed' | 'moved'; readonly at: number }
  | { readonly kind: 'keep'; readonly entry: number; readonly seq: number; readonly at: number }
  | { readonly kind: 'purge'; readonly entry: number; readonly seqs: readonly number[]; readonly at: number }
  | { readonly kind: 'policy'; readonly policy: RetentionPolicy; readonly at: number }
  | { readonly kind: 'hold'; readonly by: string; readonly on: boolean; readonly at: number };

/** What an entry showed from a time on: a version, or nothing for a reason. */
interface Shown {
  readonly from: number;
  readonly to: number;
  readonly seq: number | undefined;
  readonly reason: 'removed' | 'moved' | undefined;
}

/**
 * The rules of JOURNAL §Retention once more, from the whole log of events at every question and with nothing kept in
 * between: slow, and written to be compared with the text.
 */
export class NaiveRetention {
  readonly events: HistoryEvent[] = [];
  readonly gone = new Set<string>();
  readonly #standard: RetentionPolicy;

  constructor(standard: RetentionPolicy) {
    this.#standard = standard;
  }

  /** Why each kept version has to go at `now`; those that stay are left out. */
  due(now: number): Map<string, 'rules' | 'purge'> {
    const due = new Map<string, 'rules' | 'purge'>();
    if (this.#held(now)) return due;
    const policy = this.#policy(now);
    const entries = new Set(this.events.flatMap((event) => (event.kind === 'put' ? [event.entry] : [])));
    for (const entry of entries) {
      const film = this.#film(entry);
      const purge = this.events.findLast((event) => event.kind === 'purge' && event.entry === entry);
      const kept = this.#kept(entry);
      for (const [rank, seq] of kept.entries()) {
        if (!isKept(film, { seq, rank, policy, now })) due.set(nameOf({ entry, seq }), 'rules');
        else if (purge?.kind === 'purge' && purge.seqs.includes(seq) && isPurged(film, { seq, at: purge.at, now }))
          due.set(nameOf({ entry, seq }), 'purge');
      }
    }
    return due;
  }

  #held(now: number): boolean {
    return ['account', 'admin', 'alarm'].some((by) => {
      let on = false;
      let until = Number.NEGATIVE_INFINITY;
      for (const event of this.events) {
        if (event.kind !== 'hold' || event.by !== by) continue;
        if (on && !event.on) until = event.at + week;
        on = event.on;
      }
      return on || now < until;
    });
  }

  /** Every figure separately: the largest that was set at any moment of the last week. */
  #policy(now: number): RetentionPolicy {
    const set = this.events.flatMap((event) =>
      event.kind === 'policy' ? [{ at: Math.min(event.at, now), policy: event.policy }] : [],
    );
    const largest = (figure: keyof RetentionPolicy): number => {
      const values = [{ at: Number.NEGATIVE_INFINITY, policy: this.#standard }, ...set].map(
        ({ at, policy }, index) => ({
          value: policy[figure],
          from: at,
          to: set[index]?.at ?? Number.POSITIVE_INFINITY,
        }),
      );
      return Math.max(...values.filter(({ to }) => to > now - week).map(({ value }) => value));
    };
    return { versions: largest('versions'), days: largest('days'), trashDays: largest('trashDays') };
  }

  /** Newest first. */
  #kept(entry: number): number[] {
    const puts = this.events.flatMap((event) => (event.kind === 'put' && event.entry === entry ? [event] : []));
    return puts
      .filter((put) => !this.gone.has(nameOf(put)))
      .map(({ seq }) => seq)
      .toReversed();
  }

  /** What the entry showed, from its first version on. */
  #film(entry: number): Shown[] {
    const cuts: Omit<Shown, 'to'>[] = [];
    for (const event of this.events) {
      if (!('entry' in event) || event.entry !== entry || event.kind === 'purge') continue;
      const last = cuts.at(-1);
      if (event.kind === 'put' || event.kind === 'keep') {
        if (last?.seq !== event.seq) cuts.push({ from: event.at, seq: event.seq, reason: undefined });
      } else if (last?.seq !== undefined) cuts.push({ from: event.at, seq: undefined, reason: event.reason });
    }
    return cuts.map((cut, index) => ({ ...cut, to: cuts[index + 1]?.from ?? Number.POSITIVE_INFINITY }));
  }
}

function isKept(
  film: readonly Shown[],
  { seq, rank, policy, now }: { seq: number; rank: number; policy: RetentionPolicy; now: number },
): boolean {
  const last = film.at(-1);
  if (last?.seq === seq) return true;
  if (last?.reason !== undefined) {
    const length = last.reason === 'removed' ? policy.trashDays : Math.max(policy.days, policy.trashDays);
    return now - last.from < Math.max(length, 1) * day;
  }
  const ended = film.findLast((shown) => shown.seq === seq)?.to ?? 0;
  return rank < policy.versions || now - ended < policy.days * day || now - ended < day;
}

/** Whoever was shown when it was due, or was fetched back later, stays. */
function isPurged(film: readonly Shown[], { seq, at, now }: { seq: number; at: number; now: number }): boolean {
  const due = at + week;
  const shown = film.filter((part) => part.seq === seq);
  return shown.every(({ to }) => to <= due && now - to >= day) && now >= due;
}

export function nameOf({ entry, seq }: { readonly entry: number; readonly seq: number }): string {
  return `${entry}/${seq}`;
}
