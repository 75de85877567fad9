export { newAccountSecrets, rotateAccountSecrets } from './account-secrets.ts';
export type { AccountSecrets, DedupSecret } from './account-secrets.ts';
export { maxChunkBytes, maxSealedChunkBytes, minChunkBytes, sealedChunkBound } from './chunk-format.ts';
export { ChunkKeys, hashPlain } from './chunk-keys.ts';
export { comparisonWords } from './comparison-words.ts';
export type { ComparedIdentity } from './comparison-words.ts';
export { createCutter, cutterBufferBytes } from './cutter.ts';
export type { Cut, Cutter, FileCutter, Piece } from './cutter.ts';
export {
  epochKeys,
  newEpochSecret,
  openCommitBody,
  openEpochLink,
  openEpochSecret,
  sealCommitBody,
  sealEpochLink,
  sealEpochSecretTo,
  teamKeyPair,
} from './epoch.ts';
export type { EpochGrant, EpochKeys } from './epoch.ts';
export { hpkeInfo, openFrom, sealTo, sealToOverheadBytes } from './hpke.ts';
export type { HpkeInfo } from './hpke.ts';
export { ed25519KeyPair, xwingKeyPair, xwingPublicKeyBytes } from './key-pairs.ts';
export type { SealingKeyPair, SigningKeyPair } from './key-pairs.ts';
export { openKeystore, sealKeystore } from './keystore.ts';
export type { KeystoreSecret } from './keystore.ts';
export { loginProof } from './login-proof.ts';
export { openChunk, openChunkInto } from './open-chunk.ts';
export type { ChunkFacts, OpenChunkInput } from './open-chunk.ts';
export { OpaqueClient } from './opaque-client.ts';
export type {
  FinishedLogin,
  FinishedRegistration,
  OpaqueParties,
  StartedLogin,
  StartedRegistration,
} from './opaque-client.ts';
export { checkPassword, generatePassphrase } from './password.ts';
export { openRootKey, resetWords, sealRootKey } from './reset-key.ts';
export type { ResetSubject } from './reset-key.ts';
export { openSealed, seal, sealOverheadBytes } from './seal.ts';
export type { OpenInput, SealInput } from './seal.ts';
export { sealChunk, sealChunkInto } from './seal-chunk.ts';
export type { SealChunkInput } from './seal-chunk.ts';
export { maxSegmentChunks, planSegments } from './segments.ts';
export { hasEscrow, openByRootKey, openEscrow, openUnlockRecord, sealUnlockRecord } from './unlock-record.ts';
export type { IdentityKeys, OpenByRootKeyInput, OpenEscrowInput, SealUnlockRecordInput } from './unlock-record.ts';
