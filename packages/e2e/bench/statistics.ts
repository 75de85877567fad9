/** Middle and extremes of repeated measurements. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Undefined when there is nothing to sum up. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined) return undefined;
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? most;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? least) + upper) / 2;
  return { median, least, most };
}

/** The spread of the ratios run by run, not the ratio of the medians: what slowed one run slowed both sides of it. */
export function ratiosOf(over: readonly number[], under: readonly number[]): Spread | undefined {
  const pairs = over.slice(0, under.length).map((value, run) => value / (under[run] ?? Number.NaN));
  return spreadOf(pairs.filter(Number.isFinite));
}
