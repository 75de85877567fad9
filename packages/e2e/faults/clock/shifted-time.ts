import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

/** How far a clock is wrong, as libfaketime writes it. */
export type Shift = '+0' | '+10y' | '-10y';

/** Monotonic time goes on as it does, and files keep the times they have. */
const onlyTheWall = { DONT_FAKE_MONOTONIC: '1', NO_FAKE_STAT: '1' };

/** Why no process can be given another time here; undefined when one can. */
export function whyNoShift(): string | undefined {
  try {
    preload();
    return undefined;
  } catch {
    return 'there is no faketime on this machine';
  }
}

/** The environment of a process whose clock is wrong from its first moment. @throws Error without the program faketime */
export function shiftedBy(shift: Shift): Record<string, string> {
  return { LD_PRELOAD: preload(), FAKETIME: shift, ...onlyTheWall };
}

/** A clock that can be set while a process runs by it. */
export class SettableClock {
  readonly #path: string;

  /** Begins as the machine's own. */
  constructor(path: string) {
    this.#path = path;
    this.set('+0');
  }

  get environment(): Record<string, string> {
    return { LD_PRELOAD: preload(), FAKETIME_TIMESTAMP_FILE: this.#path, FAKETIME_NO_CACHE: '1', ...onlyTheWall };
  }

  set(shift: Shift): void {
    writeFileSync(this.#path, shift);
  }
}

function preload(): string {
  return execFileSync('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}
