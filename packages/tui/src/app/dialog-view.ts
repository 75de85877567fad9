import { fitLine, line, span } from '../frame/line.ts';
import type { Line } from '../frame/line.ts';
import { shown, widthOf } from '../terminal/text.ts';
import type { Glyphs } from '../terminal/theme.ts';
import { bodyLines, seenBody } from './dialog-body.ts';
import type { DialogRoom } from './dialog-body.ts';
import { choicesOf } from './dialog.ts';
import type { DialogState, Question } from './dialog.ts';
import { settle } from './list-state.ts';
import { drawField } from './text-field.ts';

/** The panel of a question: its lines, and where the terminal's cursor stands. */
export interface DialogView {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly cursor: { readonly row: number; readonly column: number };
}

interface ViewRoom extends DialogRoom {
  readonly glyphs: Glyphs;
}

/** Draws a question in `width` columns and at most `height` rows. */
export function dialogView(state: DialogState, room: ViewRoom): DialogView {
  const { question } = state;
  const { width } = room;
  switch (question.kind) {
    case 'text':
      return fieldView(state, { width, secret: question.isSecret === true, note: question.hint ?? '', above: [] });
    case 'plan':
      return planView(state, room);
    case 'choice':
      return choiceView(state, room);
    case 'message':
      return messageView(state, room);
    default:
      return question satisfies never;
  }
}

/** Rows that a question would like to have inside its pane. */
export function dialogRows(state: DialogState, width: number): number {
  const { question } = state;
  if (question.kind === 'text') return 2;
  if (question.kind === 'plan') return bodyLines(question, width).length + 2;
  if (question.kind === 'choice') return question.choices.length + (question.canType === true ? 2 : 1);
  return bodyLines(question, width).length + 1;
}

function fieldView(
  { question, field, problem }: DialogState,
  parts: {
    readonly width: number;
    readonly secret: boolean;
    readonly note: string;
    readonly above: readonly Line[];
  },
): DialogView {
  const drawn = drawField(field, { width: parts.width - 3, isSecret: parts.secret });
  const lines = [
    ...parts.above,
    [span('> ', 'key'), span(drawn.text)],
    problem === undefined ? line(shown(parts.note), 'dim') : line(`! ${shown(problem)}`, 'error'),
  ];
  return { title: question.title, lines, cursor: { row: parts.above.length, column: drawn.column + 2 } };
}

function planView(state: DialogState, room: ViewRoom): DialogView {
  const question = state.question as Extract<Question, { kind: 'plan' }>;
  const { width } = room;
  const body = seenBody(state, room, room.glyphs);
  if (question.word !== undefined)
    return fieldView(state, { width, secret: false, note: `type ${question.word} to ${question.yes}`, above: body });
  const ask: Line = [
    span('y', 'key'),
    span(` ${shown(question.yes)}   `),
    span('n', 'key'),
    span(' leave it as it is'),
  ];
  return { title: question.title, lines: [...body, ask], cursor: { row: body.length, column: 0 } };
}

function choiceView(state: DialogState, { width, height, glyphs }: ViewRoom): DialogView {
  const question = state.question as Extract<Question, { kind: 'choice' }>;
  const choices = choicesOf(state);
  const head: Line[] =
    question.canType === true ? [[span('> ', 'key'), span(drawField(state.field, { width: width - 3 }).text)]] : [];
  const rows = Math.max(1, height - head.length - (state.problem === undefined ? 0 : 1));
  const list = settle(state.list, { count: choices.length, height: rows });
  const wide = Math.max(0, ...choices.map(({ label }) => widthOf(shown(label))));
  const body = choices.slice(list.top, list.top + rows).map((choice, index) => {
    const { detail, disabled } = choice;
    const label = shown(choice.label);
    const isHere = list.top + index === list.cursor;
    const more = shown(disabled === undefined ? (detail ?? '') : `(${disabled})`);
    const role = isHere ? 'focus' : disabled === undefined ? 'plain' : 'dim';
    const text = `${label}${' '.repeat(wide - widthOf(label))}  ${more}`;
    const mark = question.canMark !== true ? '' : state.marks.has(choice) ? glyphs.mark : ' ';
    return fitLine([span(`${isHere ? glyphs.cursor : ' '}${mark} `), span(text, role)], width);
  });
  const problem: Line[] = state.problem === undefined ? [] : [line(`! ${shown(state.problem)}`, 'error')];
  const lines = [...head, ...(body.length === 0 ? [line('  nothing fits', 'dim')] : body), ...problem];
  const column = question.canType === true ? drawField(state.field, { width: width - 3 }).column + 2 : 0;
  const row = question.canType === true ? 0 : list.cursor - list.top;
  return { title: question.title, lines, cursor: { row, column } };
}

function messageView(state: DialogState, room: ViewRoom): DialogView {
  const body = seenBody(state, room, room.glyphs);
  return {
    title: state.question.title,
    lines: [...body, line('Enter closes', 'dim')],
    cursor: { row: body.length, column: 0 },
  };
}
