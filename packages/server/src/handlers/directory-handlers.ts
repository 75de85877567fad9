import { CofferError } from '@coffer/core';
import { operations, type Handlers } from '@coffer/protocol';
import { LookUpLimit } from '../rights/look-up-limit.ts';
import type { Connection } from '../session/connection.ts';
import { identity } from './account-handlers.ts';
import type { Services } from './services.ts';

type DirectoryOperation = Extract<keyof Handlers<Connection>, `directory.${string}`>;

/** Who is who, for people who want to share. Clients believe nothing of it that is not signed. */
export function directoryHandlers(services: Services): Pick<Handlers<Connection>, DirectoryOperation> {
  const { accounts, audit, clock, guard } = services;
  const limit = new LookUpLimit({ clock });
  return {
    'directory.lookUp': async ({ username }, { context }) => {
      const { account, address } = context;
      if (!limit.take(account)) {
        const { code: operation } = operations['directory.lookUp'];
        if (guard.worthNoting(address))
          audit.record('anomaly', { event: 'directory.lookUp', operation, status: 'BUSY', account, address });
        throw tooMany();
      }
      const found = await accounts.byName(username);
      if (found === undefined) throw unknownName();
      return { account: found.account, username: found.canonicalUsername };
    },
    'directory.identity': async ({ account, after }) => {
      const found = await accounts.byId(account);
      if (found === undefined) throw unknownName();
      return { username: found.canonicalUsername, ...(await identity(services, account, after)) };
    },
  };
}

function unknownName(): CofferError {
  return new CofferError('NOT_FOUND', 'there is nobody of that name on this server', {
    hint: 'Names are as the server knows them: ask the person for theirs.',
  });
}

function tooMany(): CofferError {
  return new CofferError('BUSY', 'too many names were looked up', { hint: 'Try again in an hour.', retryable: false });
}
