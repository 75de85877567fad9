import type { EntryName } from '@coffer/journal';
import { displayName } from '../vault-path.ts';

/** Whether a name contains `query`, or matches it as a whole when it holds `*` or `?`; letter case is ignored. */
export function nameMatcher(query: string): (name: EntryName) => boolean {
  const folded = query.normalize('NFC').toLowerCase();
  const matches = /[*?]/.test(folded) ? globMatcher(folded) : (name: string): boolean => name.includes(folded);
  return (name) => matches(displayName(name).normalize('NFC').toLowerCase());
}

/** Two pointers, no backtracking over a regular expression: a query cannot take exponential time. */
function globMatcher(pattern: string): (text: string) => boolean {
  return (text) => {
    let at = 0;
    let inPattern = 0;
    let star = -1;
    let starAt = 0;
    while (at < text.length) {
      if (pattern[inPattern] === '*') {
        star = inPattern++;
        starAt = at;
      } else if (pattern[inPattern] === '?' || pattern[inPattern] === text[at]) {
        inPattern += 1;
        at += 1;
      } else if (star >= 0) {
        inPattern = star + 1;
        at = ++starAt;
      } else return false;
    }
    while (pattern[inPattern] === '*') inPattern += 1;
    return inPattern === pattern.length;
  };
}
