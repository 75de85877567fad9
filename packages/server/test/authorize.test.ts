import { describe, expect, test } from '@jest/globals';
import { isCofferError, type VaultId } from '@coffer/core';
import type { DeviceRecord, Role } from '@coffer/journal';
import { operations, type Access } from '@coffer/protocol';
import { authorize } from '../src/rights/authorize.ts';
import { Connection, type Standing } from '../src/session/connection.ts';

const account = new Uint8Array(16).fill(1);
const served: VaultId = new Uint8Array(32).fill(2);
const other: VaultId = new Uint8Array(32).fill(3);
const device: DeviceRecord = {
  device: new Uint8Array(16).fill(4),
  signKey: new Uint8Array(32),
  scope: 'full',
  name: 'laptop',
  sealKey: undefined,
  vaults: [],
  at: [0, 0],
  revoked: false,
};
const worker: DeviceRecord = { ...device, scope: 'worker', vaults: [served] };

function connectionIn(standing: Standing): Connection {
  const watcher = { mayRead: () => Promise.resolve(true), notify: () => Promise.resolve() };
  const connection = new Connection({
    session: new Uint8Array(8),
    openedMs: 0,
    restedMs: () => 0,
    address: '192.0.2.1',
    watcher,
    announce: async () => undefined,
    end: () => undefined,
  });
  connection.standing = standing;
  return connection;
}

interface Situation {
  readonly standing: Standing;
  readonly role?: Role;
  readonly live?: boolean;
  readonly admin?: boolean;
}

async function verdict(situation: Situation, access: Access, vaults: readonly VaultId[] = []): Promise<string> {
  const source = {
    roleIn: async () => situation.role,
    isLive: async () => situation.live ?? true,
    isAdmin: async () => situation.admin ?? false,
  };
  try {
    await authorize(source, connectionIn(situation.standing), { access, vaults });
    return 'yes';
  } catch (error) {
    if (isCofferError(error)) return error.code;
    throw error;
  }
}

const open: Standing = { phase: 'open' };
const login: Standing = { phase: 'login', account };
const proved: Standing = { phase: 'device', account, device };

describe('authorize', () => {
  test.each<[string, Standing, Partial<Record<Access, string>>]>([
    [
      'a stranger',
      open,
      {
        open: 'yes',
        login: 'NOT_LOGGED_IN',
        'login|device': 'NOT_LOGGED_IN',
        device: 'NOT_LOGGED_IN',
        member: 'NOT_LOGGED_IN',
        write: 'NOT_LOGGED_IN',
      },
    ],
    [
      'a password alone',
      login,
      {
        open: 'yes',
        login: 'yes',
        'login|device': 'yes',
        device: 'NOT_LOGGED_IN',
        member: 'NOT_LOGGED_IN',
        write: 'NOT_LOGGED_IN',
      },
    ],
  ])('%s', async (_name, standing, expected) => {
    for (const [access, answer] of Object.entries(expected)) {
      expect(`${access} ${await verdict({ standing, role: 'owner' }, access as Access, [served])}`).toBe(
        `${access} ${answer}`,
      );
    }
  });

  test.each<[Role | undefined, string, string]>([
    ['owner', 'yes', 'yes'],
    ['write', 'yes', 'yes'],
    ['read', 'yes', 'NOT_ALLOWED'],
    [undefined, 'NOT_FOUND', 'NOT_FOUND'],
  ])('a proved device of a member with role %s', async (role, member, write) => {
    const situation = { standing: proved, ...(role !== undefined && { role }) };
    expect(await verdict(situation, 'member', [served])).toBe(member);
    expect(await verdict(situation, 'write', [served])).toBe(write);
  });

  test('every vault that is named counts', async () => {
    const roles = [{ vault: served, role: 'owner' as Role }];
    const source = {
      roleIn: async (vault: VaultId) => roles.find((known) => known.vault === vault)?.role,
      isLive: async () => true,
      isAdmin: async () => true,
    };
    const both = authorize(source, connectionIn(proved), { access: 'member', vaults: [served, other] });
    await expect(both).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('administration is for full devices of administrators, as long as they are it', async () => {
    expect(await verdict({ standing: proved, admin: true }, 'admin')).toBe('yes');
    expect(await verdict({ standing: proved, role: 'owner' }, 'admin')).toBe('NOT_ALLOWED');
    expect(await verdict({ standing: proved, admin: true, live: false }, 'admin')).toBe('REFUSED');
    const unattended = { phase: 'device', account, device: worker } as const;
    expect(await verdict({ standing: unattended, admin: true }, 'admin')).toBe('NOT_ALLOWED');
    for (const standing of [open, login])
      expect(await verdict({ standing, admin: true }, 'admin')).toBe('NOT_LOGGED_IN');
  });

  test('a worker does nothing beyond its vaults, whatever the role', async () => {
    const situation = { standing: { phase: 'device', account, device: worker }, role: 'owner' } as const;
    expect(await verdict(situation, 'write', [served])).toBe('yes');
    expect(await verdict(situation, 'member', [other])).toBe('NOT_ALLOWED');
  });

  test('nothing is left of a session whose right has ended', async () => {
    for (const access of ['device', 'member', 'write', 'login|device'] as const) {
      expect(await verdict({ standing: proved, role: 'owner', live: false }, access, [])).toBe('REFUSED');
    }
  });

  test('a proved device does not get what belongs to a login', async () => {
    expect(await verdict({ standing: proved, role: 'owner' }, 'login')).toBe('NOT_ALLOWED');
  });

  test('nor of a login whose account was suspended meanwhile', async () => {
    expect(await verdict({ standing: login, live: false }, 'login')).toBe('REFUSED');
  });

  test('every operation on vaults names them where the check looks', () => {
    for (const [name, { access, request }] of Object.entries(operations)) {
      const named = 'vault' in request.shape || 'vaults' in request.shape;
      expect(`${name} ${access === 'member' || access === 'write'}`).toBe(`${name} ${named}`);
    }
  });
});

test('a connection whose device is proved never becomes anyone else', () => {
  const connection = connectionIn({ phase: 'device', account, device });
  const others: readonly Standing[] = [
    { phase: 'open' },
    { phase: 'login', account: new Uint8Array(16) },
    { phase: 'device', account: new Uint8Array(16), device: worker },
  ];
  for (const standing of others) {
    expect(() => {
      connection.standing = standing;
    }).toThrow(expect.objectContaining({ code: 'REFUSED' }));
  }
  expect(connection.device).toBe(device);
});
