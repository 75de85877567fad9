import type { KeyName } from '../terminal/keys.ts';
import { shown } from '../terminal/text.ts';
import type { Role } from '../terminal/theme.ts';
import { lastTop, textRows } from './dialog-body.ts';
import type { DialogRoom } from './dialog-body.ts';
import { listStart, move, moveTo } from './list-state.ts';
import type { ListState } from './list-state.ts';
import { insert, textField, textOf, typeKey } from './text-field.ts';
import type { TextField } from './text-field.ts';

/** Asks for one line of text. */
export interface TextQuestion {
  readonly kind: 'text';
  readonly title: string;
  readonly initial?: string;
  readonly isSecret?: boolean;
  /** What may be typed, beside the field. */
  readonly hint?: string;
  /** Why the text will not do; undefined when it will. */
  readonly check?: (text: string) => string | undefined;
  readonly onChange?: (text: string) => void;
}

/** Says what will happen and asks whether it may; `word` must be typed for what cannot be taken back. */
export interface PlanQuestion {
  readonly kind: 'plan';
  readonly title: string;
  /** What will be done, with counts. */
  readonly lines: readonly string[];
  /** What `y` does. */
  readonly yes: string;
  readonly word?: string;
  /** It opens after an answer from elsewhere: keys that were meant for what was there before do nothing. */
  readonly isLate?: boolean;
}

export interface Choice<Value = unknown> {
  readonly label: string;
  readonly detail?: string;
  readonly value: Value;
  /** Why it cannot be chosen now. */
  readonly disabled?: string;
  /** Where others may be marked, this one may not. */
  readonly cannotMark?: boolean;
}

/** One of several; typing narrows them when `canType`. */
interface ChoiceQuestion {
  readonly kind: 'choice';
  readonly title: string;
  readonly choices: readonly Choice[];
  readonly canType?: boolean;
  /** Tab marks; the answer is then a list. */
  readonly canMark?: boolean;
}

/** What was chosen of what may be marked: the marked ones, or the one under the cursor. */
export interface Chosen<Value = unknown> {
  readonly values: readonly Value[];
  readonly areMarked: boolean;
}

/** Something to read. */
export interface Message {
  readonly kind: 'message';
  readonly title: string;
  readonly lines: readonly (string | { readonly text: string; readonly role: Role })[];
}

export type Question = TextQuestion | PlanQuestion | ChoiceQuestion | Message;

/** A question that stands on the screen; immutable. */
export interface DialogState {
  readonly question: Question;
  readonly field: TextField;
  readonly list: ListState;
  readonly marks: ReadonlySet<Choice>;
  readonly problem: string | undefined;
}

export function openDialog(question: Question): DialogState {
  const initial = question.kind === 'text' ? (question.initial ?? '') : '';
  return { question, field: textField(initial), list: listStart, marks: new Set(), problem: undefined };
}

/** What a key does: another state, or the end. `answer` is undefined when nobody agreed. */
export type DialogStep = { readonly state: DialogState } | { readonly answer: unknown };

const cancelled: DialogStep = { answer: undefined };

/** The step after a key. How much of a list or a text is drawn matters for its keys. */
export function dialogKey(state: DialogState, key: KeyName, room: DialogRoom): DialogStep {
  if (key === 'esc' || key === '^c') return cancelled;
  const { question } = state;
  switch (question.kind) {
    case 'text':
      return textKey(state, question, key);
    case 'plan':
      return planKey(state, question, { key, room });
    case 'choice':
      return choiceKey(state, question, { key, height: room.height });
    case 'message':
      return key === 'enter' || key === 'q' || key === 'space'
        ? { answer: true }
        : { state: read(state, key, room) ?? state };
    default:
      return question satisfies never;
  }
}

/** Pasted text goes into a field, and nowhere else: it never runs keys. */
export function dialogPaste(state: DialogState, text: string): DialogState {
  const { question } = state;
  const takes =
    question.kind === 'text' || (question.kind === 'choice' && question.canType === true) || needsWord(question);
  return takes ? changed(state, insert(state.field, text)) : state;
}

/** The choices that the typed text leaves. */
export function choicesOf({ question, field }: DialogState): readonly Choice[] {
  if (question.kind !== 'choice') return [];
  const words = textOf(field).toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return question.choices;
  return question.choices.filter(({ label, detail = '' }) => {
    const text = `${label} ${detail}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

function textKey(state: DialogState, question: TextQuestion, key: KeyName): DialogStep {
  if (key !== 'enter') return typed(state, key);
  const text = textOf(state.field);
  const problem = question.check?.(text);
  return problem === undefined ? { answer: text } : { state: { ...state, problem } };
}

function planKey(
  state: DialogState,
  question: PlanQuestion,
  { key, room }: { readonly key: KeyName; readonly room: DialogRoom },
): DialogStep {
  const further = read(state, key, room, question.word !== undefined);
  if (further !== undefined) return { state: further };
  if (question.word === undefined) {
    if (key === 'y' || key === 'Y') return { answer: true };
    return key === 'n' || key === 'N' || key === 'q' ? cancelled : { state };
  }
  if (key !== 'enter') return typed(state, key);
  // What cannot be typed, nor drawn, is typed as it is drawn.
  if ([question.word, shown(question.word)].includes(textOf(state.field))) return { answer: true };
  return { state: { ...state, problem: `type ${question.word} to agree, Esc to leave it` } };
}

function choiceKey(
  state: DialogState,
  question: ChoiceQuestion,
  { key, height }: { readonly key: KeyName; readonly height: number },
): DialogStep {
  const choices = choicesOf(state);
  if (key === 'enter') {
    const chosen = choices[state.list.cursor];
    if (chosen === undefined) return { state: { ...state, problem: 'nothing fits' } };
    if (chosen.disabled !== undefined) return { state: { ...state, problem: chosen.disabled } };
    return { answer: question.canMark === true ? markedValues(state, chosen) : chosen.value };
  }
  if (key === 'tab' && question.canMark === true) return { state: toggled(state, { count: choices.length, height }) };
  const next = scrolled(state, key, { count: choices.length, height }, question.canType === true);
  if (next !== state) return { state: { ...next, problem: undefined } };
  return question.canType === true ? typed(state, key) : { state };
}

/** The marked ones in their order; without any the one under the cursor. */
function markedValues({ question, marks }: DialogState, chosen: Choice): Chosen {
  if (question.kind !== 'choice' || marks.size === 0) return { values: [chosen.value], areMarked: false };
  return { values: question.choices.filter((one) => marks.has(one)).map(({ value }) => value), areMarked: true };
}

function toggled(state: DialogState, extent: { readonly count: number; readonly height: number }): DialogState {
  const here = choicesOf(state)[state.list.cursor];
  if (here === undefined || here.cannotMark === true) return state;
  const marks = new Set(state.marks);
  if (!marks.delete(here)) marks.add(here);
  return { ...state, marks, list: move(state.list, 'down', extent) };
}

function typed(state: DialogState, key: KeyName): DialogStep {
  const field = typeKey(state.field, key);
  return { state: field === undefined ? state : changed(state, field) };
}

function changed(state: DialogState, field: TextField): DialogState {
  if (state.question.kind === 'text') state.question.onChange?.(textOf(field));
  return { ...state, field, list: listStart, problem: undefined };
}

function needsWord(question: Question): boolean {
  return question.kind === 'plan' && question.word !== undefined;
}

/** Goes on in a text; undefined when the key is not about that. */
function read(state: DialogState, key: KeyName, room: DialogRoom, onlyArrows = false): DialogState | undefined {
  const motion = motions[key] ?? (onlyArrows ? undefined : letterMotions[key]);
  if (motion === undefined) return undefined;
  const last = lastTop(state.question, room);
  const half = Math.max(1, Math.floor(textRows(state.question, room) / 2));
  const steps = { up: -1, down: 1, first: -last, last, halfUp: -half, halfDown: half };
  const top = Math.max(0, Math.min(last, state.list.top + steps[motion]));
  return { ...state, list: { cursor: top, top } };
}

function scrolled(
  state: DialogState,
  key: KeyName,
  extent: { readonly count: number; readonly height: number },
  onlyArrows = false,
): DialogState {
  const motion = motions[key] ?? (onlyArrows ? undefined : letterMotions[key]);
  if (motion === undefined) return state;
  return { ...state, list: move(moveTo(state.list, state.list.cursor, extent), motion, extent) };
}

const motions: Readonly<Record<string, Parameters<typeof move>[1]>> = {
  up: 'up',
  down: 'down',
  pgup: 'halfUp',
  pgdn: 'halfDown',
};

const letterMotions: Readonly<Record<string, Parameters<typeof move>[1]>> = {
  k: 'up',
  j: 'down',
  g: 'first',
  G: 'last',
  home: 'first',
  end: 'last',
  '^u': 'halfUp',
  '^d': 'halfDown',
};
