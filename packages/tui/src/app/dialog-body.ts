import { line } from '../frame/line.ts';
import type { Line } from '../frame/line.ts';
import { shown, wrap } from '../terminal/text.ts';
import type { Glyphs } from '../terminal/theme.ts';
import type { DialogState, Question } from './dialog.ts';

/** Room inside the panel of a question. */
export interface DialogRoom {
  readonly width: number;
  readonly height: number;
}

/** The text of a plan or a message, as lines of that width; nothing for other questions. */
export function bodyLines(question: Question, width: number): Line[] {
  if (question.kind !== 'plan' && question.kind !== 'message') return [];
  return question.lines.flatMap((one) => {
    const { text, role } = typeof one === 'string' ? { text: one, role: undefined } : one;
    return wrap(shown(text), width).map((part) => line(part, role));
  });
}

/** As much of the text as there is room for, and under it how much more there is. */
export function seenBody({ question, list }: DialogState, room: DialogRoom, { down, up }: Glyphs): readonly Line[] {
  const lines = bodyLines(question, room.width);
  const rows = textRows(question, room);
  if (lines.length <= rows + 1) return lines;
  const top = Math.min(list.top, lines.length - rows);
  const below = lines.length - top - rows;
  const more = below > 0 ? `${down} ${below} more: arrow keys` : `${up} ${top} above: arrow keys`;
  return [...lines.slice(top, top + rows), line(more, 'key')];
}

/** The first line in sight can be as far down as this. */
export function lastTop(question: Question, room: DialogRoom): number {
  const { length } = bodyLines(question, room.width);
  const rows = textRows(question, room);
  return length <= rows + 1 ? 0 : length - rows;
}

/** Rows of text when there is more than fits; what is asked and the word about the rest stand below it. */
export function textRows(question: Question, { height }: DialogRoom): number {
  const asked = question.kind === 'plan' && question.word !== undefined ? 2 : 1;
  return Math.max(1, height - asked - 1);
}
