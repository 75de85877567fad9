import { CofferError, usernameLimit } from '@coffer/core';

/**
 * The one form of a name under which it is unique: NFKC, lower case. `Anna`, `ANNA` and `ａｎｎａ` are one person.
 * @throws INVALID for what is no username: letters, digits, `.`, `_`, `-`, beginning with a letter or digit
 */
export function canonicalUsername(name: string): string {
  const canonical = name.length > usernameLimit ? '' : name.normalize('NFKC').toLowerCase().normalize('NFKC');
  if (canonical.length <= usernameLimit && /^[\p{L}\p{N}][\p{L}\p{N}\p{M}._-]*$/u.test(canonical)) return canonical;
  throw new CofferError('INVALID', 'this is not a username', {
    hint: `Use up to ${usernameLimit} letters, digits, dots, underscores and hyphens, beginning with a letter or digit.`,
  });
}

/**
 * Refuses names that look like others: invisible characters, letters of several scripts, letters that read as Latin ones
 * (UTS 39 §5). `canonical` is what {@link canonicalUsername} gives. Names of accounts that exist are not asked again.
 * @throws INVALID
 */
export function checkNewUsername(canonical: string): void {
  if (/\p{Default_Ignorable_Code_Point}/u.test(canonical)) throw lookAlike('it holds characters that nobody sees');
  const letters = canonical.replaceAll(/[0-9._-]/g, '');
  if (!scripts.some((script) => script.test(letters))) throw lookAlike('its letters are of several scripts');
  if (letters !== '' && readsAsLatin.test(letters)) throw lookAlike('its letters read like Latin ones');
}

/** What is left of a canonical name when characters that look alike are one: `a1ice` and `alice`, and `AIice` as it is displayed. */
export function usernameSkeleton(canonical: string): string {
  return canonical.replaceAll(/[1li]/g, 'l').replaceAll(/[0o]/g, 'o');
}

/** Recommended scripts (UAX 31 table 5), with the mixtures that one writing system needs. Marks belong to the letter before them. */
const scripts = [
  ['Latin'],
  ['Cyrillic'],
  ['Greek'],
  ['Han', 'Hiragana', 'Katakana'],
  ['Han', 'Hangul'],
  ['Han', 'Bopomofo'],
  ...[
    'Arabic',
    'Armenian',
    'Bengali',
    'Devanagari',
    'Ethiopic',
    'Georgian',
    'Gujarati',
    'Gurmukhi',
    'Hebrew',
    'Kannada',
    'Khmer',
    'Lao',
    'Malayalam',
    'Myanmar',
    'Oriya',
    'Sinhala',
    'Tamil',
    'Telugu',
    'Thaana',
    'Thai',
    'Tibetan',
  ].map((script) => [script]),
].map((names) => {
  const classes = [...names, 'Inherited'].map((script) => `\\p{Script_Extensions=${script}}`).join('');
  return new RegExp(`^[${classes}]*$`, 'u');
});

/** Nothing but Cyrillic or Greek letters whose shapes are Latin ones: the whole name passes for another. */
const readsAsLatin = /^(?:[асдеһіјӏорԛѕѵѡԝхуԁѐёїў]+|[αγικνορτυχωϳ]+)$/u;

function lookAlike(why: string): CofferError {
  return new CofferError('INVALID', `this username can be mistaken for another: ${why}`, {
    hint: 'Use letters of one script, and no invisible characters.',
  });
}
