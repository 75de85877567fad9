import { isLive, type Services } from '../handlers/services.ts';
import type { RightsSource } from './authorize.ts';

/** Rights as accounts, identity chains and journals have them now. */
export function rightsOf(services: Pick<Services, 'accounts' | 'identities' | 'roles'>): RightsSource {
  const { accounts, roles } = services;
  return {
    isLive: (account, device) => isLive(services, account, device),
    isAdmin: async (account) => (await accounts.byId(account))?.role === 'admin',
    roleIn: (vault, account) => roles.roleIn(vault, account),
  };
}
