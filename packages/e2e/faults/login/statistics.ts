/**
 * How well one number tells two kinds apart (area under the ROC curve): 0.5 is not at all, 1 always. Whichever of the two
 * is the larger one: an attacker may guess either way.
 */
export function areaUnderCurve(one: readonly number[], other: readonly number[]): number {
  const all = [...one.map((value) => ({ value, first: true })), ...other.map((value) => ({ value, first: false }))];
  all.sort((a, b) => a.value - b.value);
  let ranks = 0;
  for (let at = 0; at < all.length;) {
    let end = at;
    while (all[end]?.value === all[at]?.value && end < all.length) end += 1;
    // What is equal shares its ranks.
    const rank = (at + 1 + end) / 2;
    for (let index = at; index < end; index += 1) if (all[index]?.first) ranks += rank;
    at = end;
  }
  const area = (ranks - (one.length * (one.length + 1)) / 2) / (one.length * other.length);
  return Math.max(area, 1 - area);
}

/** The value below which this share of them lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
