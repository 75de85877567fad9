import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

export interface FaultOptions {
  /** What is random follows from it: the same seed gives the same edits, moments and places. */
  readonly seed: number;
  /** How often the fault is made; each fault has its own default. */
  readonly rounds: number | undefined;
}

export const usage = `options of a fault:
  --seed N      make the same choices as a run before (default: another number every time, printed)
  --rounds N    how often the fault is made`;

/** Reads the command line of a fault. @throws RangeError that says what is wrong */
export function readOptions(argv: readonly string[]): FaultOptions {
  const { values } = parseArgs({ args: [...argv], options: { seed: { type: 'string' }, rounds: { type: 'string' } } });
  return {
    seed: values.seed === undefined ? randomInt(2 ** 32) : readWhole('seed', values.seed, 2 ** 32),
    rounds: values.rounds === undefined ? undefined : readWhole('rounds', values.rounds, 100_000),
  };
}

function readWhole(name: string, text: string, most: number): number {
  const value = Number(text);
  if (text !== '' && Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new RangeError(`--${name} is a whole number up to ${most}, not "${text}"`);
}
