export {
  authorityFingerprint,
  certificateLabel,
  makeCertificate,
  maxCertificateBytes,
  maxGenerationHeads,
  openCertificate,
  readCertificate,
} from './authority.ts';
export type {
  Certificate,
  GenerationCertificate,
  IdentityCertificate,
  RecoveryCertificate,
  VaultHead,
} from './authority.ts';
export { bodyAssociatedData, commitHash, commitLabel, makeCommit, parseCommit, vaultIdOf } from './commit.ts';
export type { Commit, NewCommit } from './commit.ts';
export type { CommitHeader } from './commit-header.ts';
export { contentBytes, isHole, isSegmented, isSharedTuple } from './content.ts';
export type {
  ChunkTuple,
  Content,
  ContentTuple,
  Hole,
  HomeTuple,
  SegmentedContent,
  SegmentRun,
  SharedTuple,
} from './content.ts';
export { isDeparture } from './departure.ts';
export { IdentityChains } from './directory.ts';
export type { Directory, TeamState } from './directory.ts';
export { isTeamId, Subject } from './field-schemas.ts';
export {
  activeDevice,
  foldChain,
  foldIdentity,
  identityAt,
  identityExtends,
  identityFingerprint,
  workerFingerprint,
  workersOf,
} from './identity.ts';
export type { DeviceRecord, IdentityState, WorkerRecord } from './identity.ts';
export {
  makeIdentityStatement,
  parseIdentityStatement,
  rotationBytes,
  rotationLabel,
  statementHash,
  statementLabel,
} from './identity-statement.ts';
export type {
  CreatePayload,
  DevicePayload,
  IdentityStatement,
  RevokePayload,
  RotatePayload,
  StatementPayload,
} from './identity-statement.ts';
export { checkClaim, judgeCommit, openVault } from './judge.ts';
export { identityIn, isHeard, membershipsOf, roleOf } from './judge-author.ts';
export type { Membership } from './judge-author.ts';
export { epochRecipients, recipientsOf, teamFingerprint } from './judge-epoch.ts';
export type { JournalPosition, MemberRecipients, Recipient } from './judge-epoch.ts';
export { commitLimits, contentLimits, identityLimits } from './limits.ts';
export { matchOperations, nameOfTeam } from './match-operations.ts';
export type { MatchOptions, Unmatched } from './match-operations.ts';
export {
  asText,
  checkName,
  isReservedName,
  maxNameBytes,
  nameFromBytes,
  nameProblem,
  nameToBytes,
  reservedRootName,
} from './name.ts';
export type { EntryName } from './name.ts';
export { encodeOperations, parseOperations } from './operation.ts';
export type {
  AttrOperation,
  EntryKind,
  InitOperation,
  LinkTarget,
  MoveOperation,
  Operation,
  PutOperation,
  RemoveOperation,
} from './operation.ts';
export { noIds, Role, VaultKind } from './ref.ts';
export type {
  DropRef,
  EpochRef,
  EpochSeal,
  GenesisRef,
  IdentityRef,
  KeepRef,
  MemberRef,
  MemberSeal,
  PolicyRef,
  PurgeRef,
  PutRef,
  Ref,
  RefKind,
  UploaderIds,
} from './ref.ts';
export {
  defaultRetention,
  destructionDelayMs,
  effectivePolicy,
  keptUntilMs,
  purgedAtMs,
  RetentionPolicy,
} from './retention.ts';
export type { PolicyChange, PurgeAge, VersionAge } from './retention.ts';
export { encodeSegment, encodeSegmentList, parseSegment, parseSegmentList, segmentId } from './segment.ts';
export type { Segment } from './segment.ts';
export { signedBytes, verifySignature } from './signature.ts';
export type { SignatureCheck, Signer } from './signature.ts';
export { decodeVaultState, encodeVaultState } from './vault-state.ts';
export type { Member, VaultState } from './vault-state.ts';
