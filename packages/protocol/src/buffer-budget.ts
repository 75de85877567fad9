import type { Clock } from '@coffer/core';
import type { ProtocolLimits } from './limits.ts';

export type BudgetLimits = Pick<
  ProtocolLimits,
  'totalBufferBytes' | 'connectionBufferBytes' | 'freeBufferBytes' | 'bufferTurnMs'
>;

/**
 * Counts the payload bytes that wait in a process, over all connections that share it, and pauses readers when it is
 * full (PROTOCOL §Limits). One paused connection at a time has the turn to read on until its frame is complete or
 * {@link BudgetLimits.bufferTurnMs} have passed: half frames alone can never fill the budget for good.
 */
export class BufferBudget {
  readonly limits: BudgetLimits;
  readonly #clock: Clock;
  readonly #waiting = new Set<BufferAccount>();
  #heldBytes = 0;
  #turn: { readonly account: BufferAccount; readonly over: AbortController } | undefined;

  constructor(deps: { readonly clock: Clock }, limits: BudgetLimits) {
    this.#clock = deps.clock;
    this.limits = limits;
  }

  /** Payload bytes held by all accounts together. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** For one connection, which closes it at its end. */
  account(): BufferAccount {
    return new BufferAccount(this);
  }

  /** @internal */
  add(bytes: number): void {
    this.#heldBytes += bytes;
    if (bytes < 0 && this.#heldBytes < this.limits.totalBufferBytes) this.#wakeAll();
  }

  /** @internal True when `account` may read on for all that the others hold; takes the turn when nobody has it. */
  admits(account: BufferAccount): boolean {
    if (this.#heldBytes < this.limits.totalBufferBytes || account.heldBytes < this.limits.freeBufferBytes) return true;
    this.#turn ??= this.#startTurn(account);
    return this.#turn.account === account;
  }

  /** @internal */
  endTurn(account: BufferAccount): void {
    if (this.#turn?.account !== account) return;
    this.#turn.over.abort();
    this.#turn = undefined;
    this.#wakeFirst();
  }

  /** @internal The longest waiting stands first. */
  wait(account: BufferAccount): void {
    this.#waiting.add(account);
  }

  /** @internal */
  leave(account: BufferAccount): void {
    this.#waiting.delete(account);
  }

  /** @internal The turn that an account was woken for and did not take is the next one's. */
  passOn(): void {
    if (this.#turn === undefined) this.#wakeFirst();
  }

  #startTurn(account: BufferAccount) {
    const over = new AbortController();
    this.#clock.sleep(this.limits.bufferTurnMs, over.signal).then(
      () => this.endTurn(account),
      () => undefined,
    );
    return { account, over };
  }

  #wakeFirst(): void {
    this.#waiting.values().next().value?.wake();
  }

  #wakeAll(): void {
    for (const account of this.#waiting) account.wake();
  }
}

/** What one connection holds of a {@link BufferBudget}. */
export class BufferAccount {
  readonly #budget: BufferBudget;
  #waitingBytes = 0;
  #partialBytes = 0;
  #closed = false;
  readonly #sleepers: (() => void)[] = [];

  /** @internal Made by {@link BufferBudget.account}. */
  constructor(budget: BufferBudget) {
    this.#budget = budget;
  }

  /** All that counts for this connection, bytes. */
  get heldBytes(): number {
    return this.#waitingBytes + this.#partialBytes;
  }

  /** Counts bytes of a complete payload until they are released. */
  hold(bytes: number): void {
    if (this.#closed) return;
    this.#waitingBytes += bytes;
    this.#budget.add(bytes);
  }

  release(bytes: number): void {
    if (this.#closed) return;
    this.#waitingBytes -= bytes;
    this.#budget.add(-bytes);
    if (!this.#ownFull) this.wake();
  }

  /** The memory of a frame that is not complete, bytes; 0 ends this connection's turn. */
  set partialBytes(bytes: number) {
    if (this.#closed) return;
    if (bytes !== this.#partialBytes) this.#budget.add(bytes - this.#partialBytes);
    this.#partialBytes = bytes;
    if (bytes === 0) this.#budget.endTurn(this);
  }

  /** True when more may be read; where others fill the budget that may take the turn. */
  mayRead(): boolean {
    return this.#closed || (!this.#ownFull && this.#budget.admits(this));
  }

  /** Resolves when more may be read, or the account is closed. */
  room(): Promise<void> {
    return this.#until(() => this.mayRead());
  }

  /** Resolves when there is room for something to be sent: what this connection received and did not take is no reason to wait. */
  sendingRoom(): Promise<void> {
    return this.#until(() => this.#closed || this.#budget.admits(this));
  }

  /** Gives everything back. Later calls do nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#budget.add(-this.heldBytes);
    this.#waitingBytes = 0;
    this.#partialBytes = 0;
    this.#budget.endTurn(this);
    this.wake();
  }

  /** @internal */
  wake(): void {
    for (const wake of this.#sleepers.splice(0)) wake();
  }

  async #until(possible: () => boolean): Promise<void> {
    if (possible()) return;
    do {
      this.#budget.wait(this);
      await new Promise<void>((resolve) => this.#sleepers.push(resolve));
      if (this.#sleepers.length === 0) this.#budget.leave(this);
    } while (!possible());
    this.#budget.passOn();
  }

  get #ownFull(): boolean {
    return this.#waitingBytes > this.#budget.limits.connectionBufferBytes;
  }
}
