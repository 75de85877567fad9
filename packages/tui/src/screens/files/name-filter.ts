import { displayName } from '@coffer/client';
import type { Row } from './rows.ts';

/**
 * Narrows rows by what is typed. Names are folded once, and a longer query looks only at what the shorter one left: a key in
 * a folder of 100,000 entries is answered at once.
 */
export class NameFilter {
  readonly #rows: readonly Row[];
  #folded: readonly string[] | undefined;
  #last: { readonly query: string; readonly found: readonly number[] } | undefined;

  constructor(rows: readonly Row[]) {
    this.#rows = rows;
  }

  /** Rows whose name contains the query, or matches it as a whole when it holds `*` or `?`; letter case is ignored. */
  matching(query: string): readonly Row[] {
    const folded = fold(query);
    if (folded === '') return this.#rows;
    const names = (this.#folded ??= this.#rows.map(({ name }) => fold(displayName(name))));
    const isGlob = /[*?]/.test(folded);
    const canNarrow = !isGlob && this.#last !== undefined && folded.startsWith(this.#last.query);
    const among = canNarrow ? (this.#last?.found ?? []) : names.keys();
    const matches = isGlob ? globMatcher(folded) : (name: string): boolean => name.includes(folded);
    const found: number[] = [];
    for (const index of among) if (matches(names[index] ?? '')) found.push(index);
    this.#last = isGlob ? undefined : { query: folded, found };
    return found.flatMap((index) => this.#rows[index] ?? []);
  }
}

function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

/** Each part between stars is looked for after the one before it: no time grows with the number of stars squared. */
function globMatcher(pattern: string): (name: string) => boolean {
  const parts = pattern.split('*').map((part) => Array.from(part));
  return (name) => {
    const text = Array.from(name);
    let at = 0;
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1;
      const from = index === 0 ? 0 : isLast ? Math.max(at, text.length - part.length) : at;
      const found = index === 0 || isLast ? (fits(text, part, from) ? from : -1) : findPart(text, part, from);
      if (found < 0) return false;
      at = found + part.length;
    }
    return parts.length > 1 || at === text.length;
  };
}

function findPart(text: readonly string[], part: readonly string[], from: number): number {
  for (let at = from; at + part.length <= text.length; at += 1) if (fits(text, part, at)) return at;
  return -1;
}

function fits(text: readonly string[], part: readonly string[], at: number): boolean {
  return at + part.length <= text.length && part.every((one, index) => one === '?' || one === text[at + index]);
}
