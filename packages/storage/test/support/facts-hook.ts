import type { Facts } from '../../src/facts/facts.ts';
import { SqliteFacts } from '../../src/facts/sqlite-facts.ts';

/** Facts of which the test does something after a call of one name was answered. */
export class FactsHook {
  readonly #name: keyof Facts;
  #then: (() => Promise<void>) | undefined;
  /** How often it was asked. */
  calls = 0;
  /** With what it was asked last. */
  last: readonly unknown[] = [];

  constructor(name: keyof Facts) {
    this.#name = name;
  }

  /** After the next answer, before whoever asked has it. */
  once(then: () => Promise<void>): void {
    this.#then = then;
  }

  readonly openFacts = async (file: string): Promise<Facts> => {
    const facts = await SqliteFacts.open(file, { thread: 'same' });
    return new Proxy(facts, { get: (target, name) => this.#get(target, name) });
  };

  #get(facts: SqliteFacts, name: string | symbol): unknown {
    const value: unknown = Reflect.get(facts, name);
    if (typeof value !== 'function') return value;
    const call = value.bind(facts) as (...args: unknown[]) => unknown;
    if (name !== this.#name) return call;
    return async (...args: unknown[]) => {
      this.calls += 1;
      this.last = args;
      const answer = await call(...args);
      const then = this.#then;
      this.#then = undefined;
      await then?.();
      return answer;
    };
  }
}
