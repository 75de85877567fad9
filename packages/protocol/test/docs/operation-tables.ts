import { events, operations, type DataShape, type Operation } from '@coffer/protocol';
import { describe } from '../../src/operations/fields.ts';
import { exactSize, markdownTable } from './generated-part.ts';

/** Every operation, as docs/PROTOCOL.md shows it. */
export function operationTable(): string {
  const rows = Object.entries(operations).map(([name, operation]: [string, Operation]) => [
    hex(operation.code),
    `\`${name}\``,
    operation.access,
    withData(code(describe(operation.request)), operation.requestData),
    withData(code(describe(operation.response)), operation.responseData),
    operation.about,
  ]);
  return markdownTable(['op', 'name', 'who', 'request', 'response', ''], rows);
}

export function eventTable(): string {
  const rows = Object.entries(events).map(([name, event]) => [
    hex(event.code),
    `\`${name}\``,
    code(describe(event.message)),
    event.about,
  ]);
  return markdownTable(['op', 'name', 'message', ''], rows);
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(4, '0')}`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function withData(message: string, shape: DataShape | undefined): string {
  if (shape === undefined) return message;
  const many =
    shape.maxFrames === Number.MAX_SAFE_INTEGER ? 'any number' : `at most ${shape.maxFrames.toLocaleString('en')}`;
  const size = shape.minBytes === 1 ? 'up to ' : `${shape.minBytes} B to `;
  return `${message} + DATA (${many}), each \`${shape.each}\`, ${size}${exactSize(shape.maxBytes)}`;
}
