import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from '@jest/globals';
import type { Streams } from '../src/output.ts';
import { Output } from '../src/output.ts';

describe('a result of many rows', () => {
  const numbers = Array.from({ length: 40_000 }, (_, index) => index);

  test.each([0, 1, 40_000])('%i rows are one JSON document', async (count) => {
    const written = await write(numbers.slice(0, count), true);
    expect(written.endsWith(']\n')).toBe(true);
    expect(JSON.parse(written)).toEqual(numbers.slice(0, count).map((number) => ({ number })));
  });

  test.each([0, 1, 40_000])('%i rows are lines', async (count) => {
    const written = await write(numbers.slice(0, count), false);
    expect(written).toBe(
      numbers
        .slice(0, count)
        .map((number) => `row ${number}\n`)
        .join(''),
    );
  });

  test('no row is made before the ones before it were taken', async () => {
    const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
    const output = new Output(streams as unknown as Streams, { json: true, quiet: false });
    let made = 0;
    function* rows(): Iterable<number> {
      for (const number of numbers) {
        made += 1;
        yield number;
      }
    }
    const done = output.rows({ rows: rows(), json: (number) => ({ number }), text: String });
    await new Promise(setImmediate);
    expect(made).toBeLessThan(numbers.length / 2);
    streams.stdout.resume();
    await done;
    expect(made).toBe(numbers.length);
  });
});

async function write(rows: readonly number[], json: boolean): Promise<string> {
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  const output = new Output(streams as unknown as Streams, { json, quiet: false });
  const read = text(streams.stdout);
  await output.rows({ rows, json: (number) => ({ number }), text: (number) => `row ${number}` });
  streams.stdout.end();
  return read;
}
