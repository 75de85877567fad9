import { dayMs, KiB, MiB, minuteMs, secondMs } from '@coffer/core';

/**
 * Every limit and deadline of the protocol (PROTOCOL §Limits). `docs/LIMITS.md` repeats them with the reasons given
 * here; a test keeps the two equal.
 */
export const protocolLimits = {
  /** Payload of any frame before authentication: a stranger costs a page of memory, and the largest login message is 1 KiB. */
  strangerFrameBytes: 4 * KiB,
  /** Payload of every frame but DATA: 4,096 ids are 128 KiB, a list of vaults or missing chunks fits, and parsing it takes a millisecond or two. */
  controlFrameBytes: 256 * KiB,
  /** Payload of a DATA frame: the largest sealed chunk with its id, and any whole commit. */
  dataFrameBytes: 4 * MiB + 256 * KiB,
  /** Streams in flight on one connection: enough to hide a slow line, few enough that each can be remembered. */
  streams: 64,
  /** Handlers of one connection that still run, cancelled ones included, before no more frames are read. */
  runningHandlers: 128,
  /** Payload bytes that wait in one connection before it is read no further; one frame of the largest size may come on top, so that reading and working overlap. */
  connectionBufferBytes: 4 * MiB + 256 * KiB,
  /** Payload bytes that wait in all connections of a process together. Beyond it sockets are paused. */
  totalBufferBytes: 96 * MiB,
  /** A connection that holds less than this is never paused for what others hold: small requests go on beside bulk uploads. */
  freeBufferBytes: 256 * KiB,
  /** How long one paused connection may read on to finish its frame although the total is reached; without turns, half frames could fill the total and nothing would ever move. */
  bufferTurnMs: 5 * secondMs,
  /** Responses with DATA that are read from storage at one time in a connection: one is written while the next is fetched. */
  outgoingFrames: 2,
  /** One write to the transport: a peer at 9 KiB/s takes it within the deadline, and a control frame waits for no more than the frame before it. */
  writePieceBytes: 256 * KiB,
  /** Chunks in one answer of `chunk.lost`: each with its uploader takes about 80 bytes, a third of a control frame. */
  lostPerAnswer: 1024,
  /** Ids in one `chunk.has` or `chunk.get`: 128 KiB of ids, half a control frame. */
  idsPerRequest: 4096,
  /** Vaults in one `vault.watch` or `vault.list`: with 170 bytes each they fit a control frame. */
  vaultsPerMessage: 1000,
  /** Kept and expired versions in one `version.list`, each: 115 and 35 bytes, so they fit a control frame. */
  versionsPerMessage: 1000,
  /** Notifications in one `notification.list`: each with its ids and a name takes 400 bytes at most, a quarter of a control frame. */
  notificationsPerMessage: 100,
  /** Devices in one `device.list`, the ones seen last: 60 bytes each, a quarter of a control frame. */
  devicesPerMessage: 1000,
  /** Statements in one answer of `account.identity`; more follow when asked from there. */
  statementsPerMessage: 256,
  /** From the TLS handshake to a login or a device's proof: the client computes 0.3 s of Argon2id in between. */
  authenticationMs: 10 * secondMs,
  /** From a login to the device's proof: the new device makes its keys and seals its keystore. */
  enrolmentMs: 60 * secondMs,
  /** The span in which a frame that has begun must be complete, or have grown at `frameBytesPerSecond`. */
  frameMs: 30 * secondMs,
  /** Below this rate a frame under way is a peer that holds memory for nothing. */
  frameBytesPerSecond: KiB,
  /** A peer that takes nothing of what is written to it for this long is closed. */
  writeStallMs: 30 * secondMs,
  /** Own handlers that take nothing of what was received for this long, while reading is paused for them: they wait for each other. */
  handlerStallMs: 2 * minuteMs,
  /** Silence after which a PING is sent. */
  pingAfterMs: 20 * secondMs,
  /** Silence after which the peer is taken for dead: a PING and forty seconds went by without an answer. A line that breaks says nothing, and people wait for that. */
  deadAfterMs: 60 * secondMs,
  /** A session without a REQUEST, DATA or PING of its client. Agents ping and stay. */
  idleMs: 30 * minuteMs,
  /** Longest life of a session; then it is proved again on a new connection. */
  lifetimeMs: dayMs,
  /** How long the last frames of a connection that ends may take. */
  closeMs: 2 * secondMs,
  /** How often deadlines are looked at, at the latest. */
  watchMs: 5 * secondMs,
} as const satisfies Record<string, number>;

/** The same names with other values: tests and settings of an administrator. */
export type ProtocolLimits = { readonly [Name in keyof typeof protocolLimits]: number };
