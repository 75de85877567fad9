import type { z } from 'zod';
import { accountOperations, deviceOperations } from './account.ts';
import { adminOperations } from './admin.ts';
import { adminUserOperations } from './admin-users.ts';
import { adminWatchOperations } from './admin-watch.ts';
import { chunkOperations } from './chunk.ts';
import { adminRequestOperations, credentialOperations } from './credentials.ts';
import { jobOperations, usageOperations } from './job.ts';
import { directoryOperations } from './directory.ts';
import { notificationEvents, notificationOperations } from './notification.ts';
import type { EventShape, EventTable, Operation, OperationTable } from './operation.ts';
import { retentionOperations, versionOperations } from './retention.ts';
import { sessionOperations } from './session.ts';
import { shareOperations } from './share.ts';
import { vaultEvents, vaultOperations } from './vault.ts';

/** Every operation: the single source of handlers, calls and the table in `docs/PROTOCOL.md` (PROTOCOL §One table of operations). */
export const operations = {
  ...sessionOperations,
  ...accountOperations,
  ...credentialOperations,
  ...deviceOperations,
  ...vaultOperations,
  ...retentionOperations,
  ...chunkOperations,
  ...versionOperations,
  ...jobOperations,
  ...usageOperations,
  ...adminOperations,
  ...adminUserOperations,
  ...adminWatchOperations,
  ...adminRequestOperations,
  ...directoryOperations,
  ...shareOperations,
  ...notificationOperations,
} as const satisfies OperationTable;

export const events = { ...vaultEvents, ...notificationEvents } as const satisfies EventTable;

type Table = typeof operations;
export type OperationName = keyof Table;
/** The message of a REQUEST. */
export type RequestOf<Op extends OperationName> = z.infer<Table[Op]['request']>;
/** The message of a RESPONSE. */
export type ResponseOf<Op extends OperationName> = z.infer<Table[Op]['response']>;
/** Operations whose REQUEST is followed by DATA and END. */
export type SendsData = {
  [Op in OperationName]: Table[Op] extends { requestData: object } ? Op : never;
}[OperationName];
/** Operations whose RESPONSE is followed by DATA and END. */
export type ReceivesData = {
  [Op in OperationName]: Table[Op] extends { responseData: object } ? Op : never;
}[OperationName];

export type EventName = keyof typeof events;
/** The message of an EVENT. */
export type EventOf<Name extends EventName> = z.infer<(typeof events)[Name]['message']>;
/** An EVENT as the client gets it. */
export type ServerEvent = { [Name in EventName]: { readonly name: Name; readonly message: EventOf<Name> } }[EventName];

/** Without the literal types: what generic code reads. */
export function operationOf(name: OperationName): Operation {
  return operations[name];
}

export function eventOf(name: EventName): EventShape {
  return events[name];
}

export function operationByCode(code: number): OperationName | undefined {
  return operationCodes.get(code);
}

export function eventByCode(code: number): EventName | undefined {
  return eventCodes.get(code);
}

const operationCodes = new Map(
  Object.entries(operations).map(([name, { code }]) => [code as number, name as OperationName]),
);
const eventCodes = new Map(Object.entries(events).map(([name, { code }]) => [code as number, name as EventName]));
