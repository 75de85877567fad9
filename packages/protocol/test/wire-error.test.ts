import { describe, expect, test } from '@jest/globals';
import { CofferError, encodeCbor, errorCodes, type ErrorCode } from '@coffer/core';
import { encodeWireError, fromWireError, toWireError } from '../src/wire-error.ts';

const newIncident = (): string => 'c0ffee';
const hidden = new Set(['CERTIFICATE', 'CONFIG', 'INTERNAL', 'IO', 'LOCKED', 'PORT_IN_USE']);
const visible = (Object.keys(errorCodes) as ErrorCode[]).filter((code) => !hidden.has(code));

describe('an error on the wire', () => {
  test.each(visible)('%s comes out as itself', (code) => {
    const error = new CofferError(code, 'what happened', {
      hint: 'do this',
      details: { seq: 3, all: true, name: 'x' },
    });
    const { message, incident } = toWireError(error, newIncident);
    expect(incident).toBeUndefined();
    const received = fromWireError(encodeWireError(message, 4096));
    expect(received).toMatchObject({
      code,
      message: 'what happened',
      hint: 'do this',
      retryable: error.retryable,
      details: { seq: 3, all: true, name: 'x' },
    });
  });

  test.each([
    ...[...hidden].map((code) => new CofferError(code as ErrorCode, '/var/lib/secret', { details: { path: '/x' } })),
    new TypeError('/var/lib/secret'),
    'a text that was thrown',
    undefined,
  ])('what is about the machine (%s) is an incident', (error) => {
    const { message, incident } = toWireError(error, newIncident);
    expect(incident).toBe('c0ffee');
    expect(message).toEqual({ code: 'INTERNAL', message: 'the server failed', retryable: false, incident: 'c0ffee' });
  });

  test('keeps its own word on trying again', () => {
    const error = new CofferError('CONFLICT', 'x', { retryable: false });
    expect(fromWireError(encodeWireError(toWireError(error, newIncident).message, 4096)).retryable).toBe(false);
  });

  test('of a later version is INTERNAL with its code', () => {
    const received = fromWireError(encodeCbor({ code: 'TOO_NEW', message: 'm', retryable: true }));
    expect(received).toMatchObject({ code: 'INTERNAL', retryable: true, details: { code: 'TOO_NEW' } });
  });

  test('never calls a name of the prototype a code', () => {
    const received = fromWireError(encodeCbor({ code: 'CONSTRUCTOR', message: 'm', retryable: false }));
    expect(received.code).toBe('INTERNAL');
  });

  test('goes without details that fit no frame', () => {
    const error = new CofferError('MISSING_CHUNKS', 'm', { details: { missing: 'A'.repeat(170_000) } });
    const { message } = toWireError(error, newIncident);
    expect(fromWireError(encodeWireError(message, 256 * 1024)).details).toEqual({ missing: 'A'.repeat(170_000) });
    expect(fromWireError(encodeWireError(message, 4096)).details).toEqual({});
  });

  test('cuts a long message', () => {
    const { message } = toWireError(new CofferError('INVALID', 'x'.repeat(5000)), newIncident);
    expect(message.message).toHaveLength(1024);
  });

  test.each([
    ['a message of 1,025', { code: 'INVALID', message: 'x'.repeat(1025), retryable: false }],
    ['an object in the details', { code: 'INVALID', message: '', retryable: false, details: { a: {} } }],
    ['33 details', { code: 'INVALID', message: '', retryable: false, details: numbered(33) }],
    ['no code', { message: '', retryable: false }],
  ])('with %s is a violation', (_name, message) => {
    expect(() => fromWireError(encodeCbor(message))).toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
  });
});

function numbered(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));
}
