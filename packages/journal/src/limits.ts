import { KiB, MiB } from '@coffer/core';

/** Suite byte, salt, commitment and tag around sealed operations (CRYPTO §Seal). */
const sealOverheadBytes = 81;

/** Length and Padmé padding of a mebibyte of operations (CRYPTO §Epochs). */
const bodyPaddingBytes = 32 * KiB;

/** What one commit may hold. A commit beyond any of these is refused before it is looked into. */
export const commitLimits = {
  /** The whole commit fits one DATA frame (PROTOCOL §Limits). */
  bytes: 4 * MiB,
  /** Operations in the clear. */
  operationBytes: MiB,
  /** Operations, padded and sealed. */
  bodyBytes: MiB + bodyPaddingBytes + sealOverheadBytes,
  /** Operations of one commit: a few milliseconds of the server's time, and of every reader's. */
  operations: 1000,
  /** References; a put each for every operation, and room for the others. */
  refs: 2000,
  /** Entries of one `drop`: the descendants of a removed directory follow in batches of this size. */
  dropEntries: 10_000,
  /** Chunk or segment ids that one `put` names, in all. */
  idsPerPut: 32_768,
  /** Uploaders that one `put` names. */
  uploadersPerPut: 256,
  /** Versions that one `purge` names. */
  purgeSeqs: 10_000,
  /** Members of one vault; every epoch seals its secret to each, about 1.2 KiB. */
  members: 1000,
  /** Teams among them: whoever judges the vault needs the journal of each. */
  teams: 64,
  /** Commits of a team's journal: whoever judges a share may have to judge all of them. */
  teamCommits: 10_000,
  /** Of these, the last so many are for departures and new keys: a team that has changed too often can still be left. */
  teamCommitsKept: 500,
  /** Bytes of these commits together: clients keep them whole. Thousands of changes among thirty people, some forty departures among a thousand, and a dozen more. */
  teamBytes: 64 * MiB,
  /** Of these, the last so many are for departures and new keys. */
  teamBytesKept: 16 * MiB,
  /** Sealed copies of one epoch secret: members and their workers. */
  seals: 2000,
  /** One sealed epoch secret: 1,120 bytes of X-Wing and 48 of AES-GCM today, and room. */
  sealedBytes: 2 * KiB,
} as const;

/** What a file's content may be made of. */
export const contentLimits = {
  /** Plain bytes of the largest chunk (CRYPTO §Chunks). */
  chunkBytes: 4 * MiB,
  /** Sealed bytes of the largest chunk; fits a DATA frame with its id. */
  storedBytes: 4 * MiB + 192 * KiB,
  /** Chunks that an operation lists itself; longer contents use segments. */
  directChunks: 1024,
  /** Chunks of one segment. */
  segmentChunks: 1024,
  /** Target of a symbolic link, bytes (Linux PATH_MAX). */
  targetBytes: 4096,
} as const;

/** What an identity chain may hold. */
export const identityLimits = {
  /** The largest holds a new sealing key, or the vaults of a worker: half of this. */
  statementBytes: 16 * KiB,
  /** Statements of one account: every login and logout of a device adds one. */
  statements: 65_536,
  /** Devices that are not revoked. */
  devices: 1000,
  /** Vaults that one worker serves. */
  workerVaults: 256,
  /** Characters of a device's name. */
  nameLength: 64,
} as const;
