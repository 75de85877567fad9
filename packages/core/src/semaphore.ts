interface Waiter {
  readonly weight: number;
  readonly grant: () => void;
}

/** At most `capacity` units are held at a time; waiters are served in order. A weight over the capacity counts as the whole. */
export class Semaphore {
  readonly #capacity: number;
  #free: number;
  readonly #waiters: Waiter[] = [];

  constructor(capacity: number) {
    if (!(capacity >= 1)) throw new RangeError('a semaphore has at least one unit');
    this.#capacity = capacity;
    this.#free = capacity;
  }

  /** Resolves to a release function that works once. @throws the signal's reason when aborted first */
  async acquire(weight = 1, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    const units = Math.min(weight, this.#capacity);
    if (this.#waiters.length > 0 || this.#free < units) await this.#wait(units, signal);
    else this.#free -= units;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#free += units;
      this.#grantNext();
    };
  }

  async run<Result>(work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    const release = await this.acquire(1, signal);
    try {
      return await work();
    } finally {
      release();
    }
  }

  #wait(weight: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        weight,
        grant: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const onAbort = (): void => {
        const index = this.#waiters.indexOf(waiter);
        if (index < 0) return;
        this.#waiters.splice(index, 1);
        this.#grantNext();
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push(waiter);
    });
  }

  #grantNext(): void {
    for (;;) {
      const next = this.#waiters[0];
      if (next === undefined || next.weight > this.#free) return;
      this.#waiters.shift();
      this.#free -= next.weight;
      next.grant();
    }
  }
}
