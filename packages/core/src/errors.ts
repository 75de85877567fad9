/**
 * Every error code of Coffer. Codes are stable for ever: scripts, clients and `docs/ERRORS.md` depend on them.
 * The value says whether the same request may succeed when it is sent again unchanged.
 */
export const errorCodes = {
  BUSY: { retryable: true },
  CANCELLED: { retryable: false },
  CERTIFICATE: { retryable: false },
  CONFIG: { retryable: false },
  CONFLICT: { retryable: true },
  DAMAGED: { retryable: false },
  EXISTS: { retryable: false },
  EXPIRED: { retryable: false },
  INTEGRITY: { retryable: false },
  INTERNAL: { retryable: false },
  INVALID: { retryable: false },
  IO: { retryable: false },
  LIMIT: { retryable: false },
  LOCKED: { retryable: true },
  MISSING_CHUNKS: { retryable: true },
  NOT_ALLOWED: { retryable: false },
  NOT_FOUND: { retryable: false },
  NOT_LOGGED_IN: { retryable: false },
  NO_SPACE: { retryable: true },
  PIN_MISMATCH: { retryable: false },
  PORT_IN_USE: { retryable: false },
  PROTOCOL: { retryable: false },
  QUOTA: { retryable: false },
  REFUSED: { retryable: false },
  ROLLBACK: { retryable: false },
  SHUTTING_DOWN: { retryable: true },
  TIMEOUT: { retryable: true },
  TOO_MANY_DELETIONS: { retryable: false },
  UNREACHABLE: { retryable: true },
  UNTRUSTED_SERVER: { retryable: false },
  UPGRADE_REQUIRED: { retryable: false },
} as const satisfies Record<string, { retryable: boolean }>;

export type ErrorCode = keyof typeof errorCodes;

export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

export interface CofferErrorOptions {
  /** What the person can do about it, one sentence. Shown as `hint:`. */
  readonly hint?: string;
  readonly details?: ErrorDetails;
  readonly cause?: unknown;
  /** Overrides the code's own answer. */
  readonly retryable?: boolean;
}

/** A failure that callers are expected to handle. Anything else that is thrown is a bug. */
export class CofferError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly hint: string | undefined;
  /** Facts for the log. Never secrets, never plain names. */
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: CofferErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CofferError';
    this.code = code;
    this.retryable = options.retryable ?? errorCodes[code].retryable;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

/** True for a {@link CofferError}, with one of `codes` when any are given. */
export function isCofferError(error: unknown, ...codes: readonly ErrorCode[]): error is CofferError {
  return error instanceof CofferError && (codes.length === 0 || codes.includes(error.code));
}

/** The one error for everything sealed or signed that does not open or verify; it never says which check failed. */
export function integrityError(what: string, details: ErrorDetails = {}): CofferError {
  return new CofferError('INTEGRITY', `${what} did not pass its integrity check`, {
    hint: 'The data was altered or damaged, or the server does not tell the truth; do not rely on it.',
    details,
  });
}
