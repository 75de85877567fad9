import type { AccountId } from '@coffer/core';
import { operations, type Handlers, type RequestOf, type ResponseOf } from '@coffer/protocol';
import { audited } from '../log/audited.ts';
import type { Connection } from '../session/connection.ts';
import type { Services } from './services.ts';

export type AdminOperation = Extract<keyof Handlers<Connection>, `admin.${string}`>;

export interface Done<Op extends AdminOperation> {
  readonly response: ResponseOf<Op>;
  readonly counts?: Readonly<Record<string, number>>;
  /** Whom it was done to. */
  readonly subject?: AccountId;
  /** Fixed words. */
  readonly note?: string;
}

export interface AdminCall {
  readonly context: Connection;
}

/** Makes handlers of administrators' operations that leave a line at the start and one at the end, however they end: what one does the others must see. */
export function loggedFor(services: Pick<Services, 'audit'>) {
  return <Op extends AdminOperation>(
    operation: Op,
    work: (request: RequestOf<Op>, call: AdminCall) => Promise<Done<Op>>,
  ): ((request: RequestOf<Op>, call: AdminCall) => Promise<ResponseOf<Op>>) => {
    return async (request, call) => await recorded(services, { operation, ...call }, () => work(request, call));
  };
}

async function recorded<Op extends AdminOperation>(
  { audit }: Pick<Services, 'audit'>,
  { operation, context }: { readonly operation: Op; readonly context: Connection },
  work: () => Promise<Done<Op>>,
): Promise<ResponseOf<Op>> {
  const { account, device, address } = context;
  const category = operation === 'admin.backup' ? 'backup' : 'admin';
  const { code } = operations[operation];
  const about = { category, event: operation, operation: code, account, device: device.device, address } as const;
  return await audited(audit, about, async () => {
    const { response, ...more } = await work();
    return { result: response, ...more };
  });
}
