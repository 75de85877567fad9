export { backoffMs } from './backoff.ts';
export type { BackoffOptions } from './backoff.ts';
export { BoundedQueue } from './bounded-queue.ts';
export {
  compareBytes,
  concatBytes,
  equalBytes,
  fromHex,
  fromUtf8,
  splitBytes,
  toHex,
  u32,
  u64,
  utf8,
} from './bytes.ts';
export { cborBound, decodeCbor, encodeCbor } from './cbor.ts';
export type { CborValue } from './cbor.ts';
export { timestampFromMs, timestampFromNs, timestampToMs, timestampToNs } from './clock.ts';
export type { Clock, Timestamp } from './clock.ts';
export { CofferError, errorCodes, integrityError, isCofferError } from './errors.ts';
export type { CofferErrorOptions, ErrorCode, ErrorDetails } from './errors.ts';
export { GarbageCollector } from './garbage-collector.ts';
export {
  AccountId,
  ChunkId,
  CommitId,
  DeviceId,
  EntryId,
  Hash,
  idFromKey,
  idKey,
  newEntryId,
  randomId,
  rootEntry,
  ServerId,
  VaultId,
  zeroHash,
} from './ids.ts';
export type { Id, IdKey } from './ids.ts';
export { silentLogger } from './logger.ts';
export type { LogFields, Logger } from './logger.ts';
export { kdf, lp, sha256 } from './lp.ts';
export type { LpField } from './lp.ts';
export { randomUnit, systemRandom } from './random.ts';
export type { Random } from './random.ts';
export { safeText } from './safe-text.ts';
export { Semaphore } from './semaphore.ts';
export { environmentName, nearestName } from './setting-names.ts';
export { startWorker } from './start-worker.ts';
export type { StartWorkerOptions } from './start-worker.ts';
export { systemClock } from './system-clock.ts';
export { dayMs, formatSize, GiB, hourMs, KiB, MiB, minuteMs, parseDurationMs, parseSize, secondMs } from './units.ts';
export { usernameLimit } from './username-limit.ts';
