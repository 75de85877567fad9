/** What the main thread asks of the OPAQUE worker. Bytes travel as the library's base64url text. */
export type OpaqueQuestion =
  | { readonly kind: 'register'; readonly account: string; readonly request: string }
  | { readonly kind: 'start'; readonly account: string; readonly record: string | null; readonly request: string }
  | { readonly kind: 'finish'; readonly account: string; readonly state: string; readonly finish: string };

export type OpaqueAnswer =
  | { readonly kind: 'register'; readonly response: string }
  | { readonly kind: 'start'; readonly state: string; readonly response: string }
  /** `undefined`: the other side does not know the password. */
  | { readonly kind: 'finish'; readonly sessionKey: string | undefined };

export interface OpaqueRequest {
  readonly id: number;
  readonly question: OpaqueQuestion;
}

/** `answer` is missing when the library refused the question as malformed. */
export interface OpaqueReply {
  readonly id: number;
  readonly answer: OpaqueAnswer | undefined;
}

export interface OpaqueWorkerData {
  readonly setup: string;
  readonly server: string;
}

/** The worker's first message. */
export const opaqueReady = 'ready';
