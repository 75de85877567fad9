/** What `Enter` does on a row, and the commands that do the same. */
interface RowAct {
  /** The text of the row. */
  readonly label: string;
  readonly cli: readonly [string, ...string[]];
}

/** Rows of Settings. */
export const settingsActs = {
  username: { label: 'account', cli: ['username change'] },
  password: { label: 'password', cli: ['password change'] },
  withdraw: { label: 'asked about the password', cli: ['password cancel'] },
  policy: { label: 'what is kept', cli: ['policy set'] },
  hold: { label: 'hold', cli: ['hold'] },
  verify: { label: 'check everything', cli: ['verify'] },
  examine: { label: 'check this device', cli: ['doctor'] },
  logout: { label: 'sign out', cli: ['logout'] },
} as const satisfies Readonly<Record<string, RowAct>>;

export type SettingsAct = keyof typeof settingsActs;

/** Rows of the server in Administration. */
export const serverTasks = {
  collect: { label: 'collection', cli: ['admin collect'] },
  accountsBackup: { label: 'backup of accounts', cli: ['admin backup'] },
  scrub: { label: 'scrub', cli: ['admin scrub'] },
  recount: { label: 'accounts', cli: ['admin recount'] },
  verifyAudit: { label: 'audit log', cli: ['admin verify-audit'] },
  acceptClock: { label: 'clock', cli: ['admin collect'] },
} as const satisfies Readonly<Record<string, RowAct>>;

/** Work that the server does when it is asked. */
export type ServerTask = keyof typeof serverTasks;

/** All of them, by the screen whose rows they are. */
export const rowActs: readonly (RowAct & { readonly screen: 'settings' | 'admin' })[] = [
  ...Object.values(settingsActs).map((act) => ({ ...act, screen: 'settings' as const })),
  ...Object.values(serverTasks).map((act) => ({ ...act, screen: 'admin' as const })),
];
