import type { Key as InkKey } from 'ink';

/** A key as the keymap names it: `a`, `A`, `^u`, `enter`, `esc`, `tab`, `shift-tab`, `up`, `pgdn`, `space`, `backspace`. */
export type KeyName = string;

/** Several keys may arrive in one read; each is named by itself. What no key of the map can mean is left out. */
export function keysOf(input: string, key: Partial<InkKey>): KeyName[] {
  const special = specialOf(key);
  if (special !== undefined) return [special];
  if (key.ctrl === true) return input.length === 1 ? [`^${input.toLowerCase()}`] : [];
  if (key.meta === true) return [];
  return Array.from(input, nameOf).filter((name) => name !== undefined);
}

function specialOf(key: Partial<InkKey>): KeyName | undefined {
  if (key.tab === true) return key.shift === true ? 'shift-tab' : 'tab';
  const found = (Object.keys(specials) as (keyof typeof specials)[]).find((name) => key[name] === true);
  return found === undefined ? undefined : specials[found];
}

const specials = {
  upArrow: 'up',
  downArrow: 'down',
  leftArrow: 'left',
  rightArrow: 'right',
  pageUp: 'pgup',
  pageDown: 'pgdn',
  home: 'home',
  end: 'end',
  return: 'enter',
  escape: 'esc',
  backspace: 'backspace',
  delete: 'delete',
} as const;

function nameOf(character: string): KeyName | undefined {
  if (character === '\r' || character === '\n') return 'enter';
  if (character === '\t') return 'tab';
  if (character === ' ') return 'space';
  if (character === '\u007f' || character === '\b') return 'backspace';
  if (character >= ' ') return character;
  const code = character.charCodeAt(0);
  return code >= 1 && code <= 26 ? `^${String.fromCharCode(code + 0x60)}` : undefined;
}

/** The character that a key types into a field; undefined for keys that type nothing. */
export function typedBy(key: KeyName): string | undefined {
  if (key === 'space') return ' ';
  return Array.from(key).length === 1 ? key : undefined;
}
