export { authTranscript, deviceProof, deviceProofLabel, negotiated } from './auth-transcript.ts';
export type { AuthFields } from './auth-transcript.ts';
export { BufferBudget } from './buffer-budget.ts';
export type { BudgetLimits, BufferAccount } from './buffer-budget.ts';
export { ClientConnection } from './client-connection.ts';
export type { Answer, ClientConnectionOptions, RequestOptions } from './client-connection.ts';
export { batchBytes, batchesOf, DataBatch, payloadsOf } from './data-pump.ts';
export type { DataParts, DataSource } from './data-pump.ts';
export type { Call, Handler, Handlers, Reply } from './handlers.ts';
export { encodeInvite, Invite, parseInvite } from './invite.ts';
export { mayRequest } from './legal-order.ts';
export type { Phase } from './legal-order.ts';
export { protocolLimits } from './limits.ts';
export type { ProtocolLimits } from './limits.ts';
export type { GoAwayMessage } from './messages.ts';
export { alertKinds, auditCategories } from './operations/admin-watch.ts';
export type { AlertKind, AuditCategory } from './operations/admin-watch.ts';
export { notificationKinds } from './operations/notification.ts';
export type { NotificationKind } from './operations/notification.ts';
export type { Access, DataShape, EventShape, Operation } from './operations/operation.ts';
export { generationPieceBytes, protocolVersion } from './operations/session.ts';
export { events, operationOf, operations } from './operations/table.ts';
export type {
  EventName,
  EventOf,
  OperationName,
  ReceivesData,
  RequestOf,
  ResponseOf,
  SendsData,
  ServerEvent,
} from './operations/table.ts';
export { resetProof, resetProofLabel } from './reset-proof.ts';
export type { ResetFields } from './reset-proof.ts';
export { ServerConnection } from './server-connection.ts';
export type { ServerConnectionOptions } from './server-connection.ts';
export type { Transport } from './transport.ts';
