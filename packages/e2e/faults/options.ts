import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

export interface FaultOptions {
  /** What is random follows from it: the same seed gives the same edits, moments and places. */
  readonly seed: number;
  /** How often the fault is made; each fault has its own default. */
  readonly rounds: number | undefined;
  /** Files of faults that are about many of them. */
  readonly files: number | undefined;
  /** How long a fault that goes on for a time goes on. */
  readonly minutes: number | undefined;
}

export const usage = `options of a fault:
  --seed N      make the same choices as a run before (default: another number every time, printed)
  --rounds N    how often the fault is made
  --files N     how many files there are (watch)
  --minutes N   how long it goes on (watch)`;

/** Reads the command line of a fault. @throws RangeError that says what is wrong */
export function readOptions(argv: readonly string[]): FaultOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...argv], options: { seed: text, rounds: text, files: text, minutes: text } });
  const optional = (name: keyof typeof values, most: number): number | undefined =>
    values[name] === undefined ? undefined : readWhole(name, values[name], most);
  return {
    seed: optional('seed', 2 ** 32) ?? randomInt(2 ** 32),
    rounds: optional('rounds', 100_000),
    files: optional('files', 10_000_000),
    minutes: optional('minutes', 10_000),
  };
}

function readWhole(name: string, text: string, most: number): number {
  const value = Number(text);
  if (text !== '' && Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new RangeError(`--${name} is a whole number up to ${most}, not "${text}"`);
}
