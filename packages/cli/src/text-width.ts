import { createRequire } from 'node:module';

/**
 * Columns that a terminal gives a line of text. Nearly all text is plain, and what measures the rest compiles expressions over
 * all of Unicode: loaded at once it cost every command 45 ms, half of its start; so it is loaded by the first text that needs it.
 */
export function textWidth(text: string): number {
  if (plain.test(text)) return text.length;
  measure ??= (require('string-width') as { readonly default: (text: string) => number }).default;
  return measure(text);
}

const plain = /^[\x20-\x7e]*$/;
const require = createRequire(import.meta.url);
let measure: ((text: string) => number) | undefined;
