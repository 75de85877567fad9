import { charactersOf, shown, tail, widthOf } from '../terminal/text.ts';
import { typedBy } from '../terminal/keys.ts';
import type { KeyName } from '../terminal/keys.ts';

/** One line of text that is being typed; immutable. */
export interface TextField {
  readonly before: string;
  readonly after: string;
}

/** Far above any name or path; what is over is not taken. */
const maxLength = 8192;

export function textField(text = ''): TextField {
  return { before: text, after: '' };
}

export function textOf({ before, after }: TextField): string {
  return before + after;
}

/** The field after a key; undefined when the key is not about text. */
export function typeKey(field: TextField, key: KeyName): TextField | undefined {
  const typed = typedBy(key);
  if (typed !== undefined) return insert(field, typed);
  const { before, after } = field;
  switch (key) {
    case 'backspace':
      return { before: charactersOf(before).slice(0, -1).join(''), after };
    case 'delete':
    case '^d':
      return { before, after: charactersOf(after).slice(1).join('') };
    case 'left':
    case '^b':
      return shift(field, -1);
    case 'right':
    case '^f':
      return shift(field, 1);
    case 'home':
    case '^a':
      return { before: '', after: before + after };
    case 'end':
    case '^e':
      return { before: before + after, after: '' };
    case '^u':
      return { before: '', after };
    case '^k':
      return { before, after: '' };
    case '^w':
      return { before: before.replace(/[^\s/]*[\s/]*$/, ''), after };
    default:
      return undefined;
  }
}

/** Pasted text: one line of it, without anything that is no text. */
export function insert({ before, after }: TextField, text: string): TextField {
  const clean = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
  if (before.length + after.length + clean.length > maxLength) return { before, after };
  return { before: before + clean, after };
}

/** What of the field is seen in `width` columns, and the column of the cursor; secrets are drawn as stars, and what others put into a name as {@link shown} has it. */
export function drawField(
  field: TextField,
  { width, isSecret = false }: { readonly width: number; readonly isSecret?: boolean },
): { readonly text: string; readonly column: number } {
  const draw = (text: string): string => (isSecret ? '*'.repeat(charactersOf(text).length) : shown(text));
  const before = tail(draw(field.before), Math.max(0, width - 1));
  return { text: before + draw(field.after), column: widthOf(before) };
}

function shift({ before, after }: TextField, by: 1 | -1): TextField {
  const characters = charactersOf(before + after);
  const at = Math.max(0, Math.min(characters.length, charactersOf(before).length + by));
  return { before: characters.slice(0, at).join(''), after: characters.slice(at).join('') };
}
