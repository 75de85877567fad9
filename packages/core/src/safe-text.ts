/**
 * Text from others made harmless for a terminal and unambiguous for a reader: control characters, line separators and
 * bidirectional overrides become visible escapes. What is printable stays as it is.
 */
export function safeText(text: string): string {
  return text.replaceAll(unsafe, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** Control characters, line and paragraph separators, marks that reorder what follows, lone surrogates. */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Surrogate}\uFEFF]/gu;
