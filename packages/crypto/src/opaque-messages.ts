/** Both parties' names inside OPAQUE. */
interface OpaqueIdentifiers {
  readonly client: string;
  readonly server: string;
}

interface Finishing {
  readonly password: string;
  readonly state: string;
  readonly response: string;
  readonly identifiers: OpaqueIdentifiers;
}

/** What the worker is asked; binary values are base64url, as the library has them. */
export type OpaqueJob =
  | { readonly kind: 'startRegistration'; readonly password: string }
  | { readonly kind: 'startLogin'; readonly password: string }
  | ({ readonly kind: 'finishRegistration' } & Finishing)
  | ({ readonly kind: 'finishLogin' } & Finishing);

export interface OpaqueReply {
  readonly job: number;
  /** In the order of the result's fields; the first is `undefined` when a login was refused. */
  readonly result: readonly (string | undefined)[];
  /** Set when the library threw: the server's answer was malformed. Never holds input. */
  readonly error?: string;
}
