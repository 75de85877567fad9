/**
 * Takes the place of `string-width` in the bundle. Ink brings four copies of that and the UI one more, and each compiles all emoji and
 * loads what divides text at the first sign beyond ASCII, like the edge of a pane: a third of the start of the UI. This is the
 * one copy, and what is plain needs none of it.
 */
// oxlint-disable-next-line import/no-default-export -- as what it takes the place of
export default function stringWidth(text: string, options?: object): number {
  const bare = typeof text === 'string' && options === undefined ? text.replaceAll(looks, '') : undefined;
  if (bare !== undefined && plain.test(bare)) return bare.length;
  // The bundler gives it: it is evaluated here and not before.
  measure ??= (require('string-width') as { readonly default: Measure }).default;
  return measure(text, options);
}

/** ASCII, Latin letters with their accents, and the signs of the UI: each of them one column wide wherever it stands. */
export const plain =
  /^[\u0020-\u007e\u00c0-\u017f\u2190-\u2193\u2500-\u259f\u25cb\u25cf\u2026\u203a\u2260\u2713\u2717]*$/;

type Measure = (text: string, options?: object) => number;

// oxlint-disable-next-line no-control-regex -- Select Graphic Rendition, as ink writes it
const looks = /\u001b\[[\d;]*m/g;
let measure: Measure | undefined;
