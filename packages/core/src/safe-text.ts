/**
 * Text from others made harmless for a terminal and unambiguous for a reader: control characters, line separators and
 * bidirectional overrides become visible escapes, and so do characters that show nothing. What is printable stays as it is.
 */
export function safeText(text: string): string {
  return text.replaceAll(unsafe, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/**
 * Control characters, line and paragraph separators, marks that reorder what follows, lone surrogates; and what takes no room: with it
 * two names look alike. Joiners stay, which words and pictures are made with.
 */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Surrogate}\u00AD\u180E\u200B\u2060-\u2064\uFEFF]/gu;
