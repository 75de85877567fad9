import type { z } from 'zod';

/**
 * Who may call an operation (PROTOCOL §Session): `open` before any login, in the order of the session; `login` between
 * an OPAQUE login and the device's proof; `device` once proved; `member` and `write` name a vault in `vault`, or several
 * in `vaults`, in which the account has that role at least; `admin` a full device of an administrator.
 */
export type Access = 'open' | 'login' | 'login|device' | 'device' | 'member' | 'write' | 'admin';

/** What the DATA frames beside a message carry. */
export interface DataShape {
  /** What one payload is, for the documentation. */
  readonly each: string;
  /** Smallest payload, bytes. */
  readonly minBytes: number;
  /** Largest payload, bytes. */
  readonly maxBytes: number;
  /** Most frames of one stream. */
  readonly maxFrames: number;
}

/** One row of the table. Numbers and names are append-only. */
export interface Operation {
  readonly code: number;
  readonly access: Access;
  readonly request: z.ZodObject;
  readonly response: z.ZodObject;
  readonly requestData?: DataShape;
  readonly responseData?: DataShape;
  /** One sentence for the documentation. */
  readonly about: string;
}

/** A message of the server that nobody asked for. */
export interface EventShape {
  readonly code: number;
  readonly message: z.ZodObject;
  readonly about: string;
}

export type OperationTable = Readonly<Record<string, Operation>>;
export type EventTable = Readonly<Record<string, EventShape>>;
