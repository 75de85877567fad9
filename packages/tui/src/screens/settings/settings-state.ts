import type {
  AccountInfo,
  AccountUsage,
  DeviceSummary,
  KeystoreKind,
  OwnDevice,
  OwnRequest,
  RetentionReport,
} from '@coffer/client';
import { formatSize } from '@coffer/core';
import type { ListRow } from '../../app/list-pane.ts';
import { settingsActs } from '../../keymap/row-acts.ts';
import type { SettingsAct } from '../../keymap/row-acts.ts';
import { fullTime } from '../../terminal/format.ts';

/** A device of the account; an unattended one is not told when others were seen. */
export type ShownDevice = DeviceSummary & Partial<Pick<OwnDevice, 'enrolledAtMs' | 'lastSeenMs'>>;

/** What the Settings screen knows; what the server says is missing until it has answered. */
export interface SettingsState {
  readonly info: AccountInfo;
  readonly keystore: KeystoreKind;
  readonly usage: AccountUsage | undefined;
  readonly retention: RetentionReport | undefined;
  readonly devices: readonly ShownDevice[];
  /** About the own password. */
  readonly requests: readonly OwnRequest[];
}

export interface SettingsRow extends ListRow {
  readonly act?: SettingsAct;
  /** Another device of the account, which can be revoked. */
  readonly device?: ShownDevice;
  /** More about it, in the pane beside the list. */
  readonly detail: string;
}

/** The rows of the screen: facts, and what can be done about them. Pure. */
export function settingsRows({
  info,
  keystore,
  usage,
  retention,
  devices,
  requests,
}: SettingsState): readonly SettingsRow[] {
  return [
    {
      text: settingsActs.username.label,
      note: `${info.username}, ${info.role === 'admin' ? 'administrator' : 'user'}`,
      detail: `Account number ${Buffer.from(info.account).toString('hex')}. Enter changes the name.`,
      ...(info.scope === 'full' && { act: 'username' as const }),
    },
    { text: 'server', note: info.server, detail: 'Its key is pinned: another key is refused.' },
    {
      text: 'this device',
      note: `${info.deviceName}${info.scope === 'worker' ? ', unattended' : ''}`,
      detail: `Its keys are kept ${keystoreWords[keystore]}.`,
    },
    ...(info.scope === 'full' ? passwordRows(requests) : []),
    ...usageRows(usage),
    ...keepingRows(retention),
    ...devices.map((device) => deviceRow(device, info)),
    {
      text: settingsActs.verify.label,
      note: 'Enter downloads and checks without writing',
      act: 'verify',
      detail: 'Every file of the vault is fetched, opened and compared with the journal.',
    },
    {
      text: settingsActs.examine.label,
      note: 'Enter looks at it, and at the way to the server',
      act: 'examine',
      detail:
        'Program, profile, keys, free space, folders that can be watched; the server, its certificate, its clock.',
    },
    {
      text: settingsActs.logout.label,
      note: 'Enter asks first',
      act: 'logout',
      detail: 'Revokes this device, and removes its keys and state from this machine. Files stay.',
    },
  ];
}

const keystoreWords: Readonly<Record<KeystoreKind, string>> = {
  password: 'under your password',
  keyring: "in the system's keyring",
  file: 'in a file of this machine, without a password',
};

function passwordRows(requests: readonly OwnRequest[]): SettingsRow[] {
  const waiting = requests.filter(({ state }) => state === 'open' || state === 'approved');
  const rows: SettingsRow[] = [
    {
      text: settingsActs.password.label,
      note: 'Enter changes it',
      act: 'password',
      detail: 'A passphrase is offered; one of your own needs 12 characters. Sessions of other devices end.',
    },
  ];
  const [first] = waiting;
  if (first === undefined) return rows;
  const what = first.kind === 'password-reset' ? 'Somebody asks to set a new password' : 'A new password waits';
  rows.push({
    text: settingsActs.withdraw.label,
    note: `${waiting.length}, ${first.state === 'open' ? 'not decided' : first.state}`,
    role: 'warning',
    act: 'withdraw',
    detail: `${what} since ${fullTime(first.createdAtMs)}. If that was not you: Enter withdraws it.`,
  });
  return rows;
}

function usageRows(usage: AccountUsage | undefined): SettingsRow[] {
  if (usage === undefined) return [{ text: 'stored', note: 'the server has not answered', detail: '' }];
  const { storedBytes, quotaBytes, files, versions, trashBytes } = usage;
  const percent = quotaBytes === null ? 0 : Math.round((storedBytes * 100) / Math.max(1, quotaBytes));
  const limit = quotaBytes === null ? 'no limit' : `${percent} % of ${formatSize(quotaBytes)}`;
  return [
    {
      text: 'stored',
      note: `${formatSize(storedBytes)}, ${limit}`,
      role: percent >= 90 ? 'warning' : 'plain',
      detail: `${files} files with ${versions} versions; ${formatSize(trashBytes)} of it in the trash.`,
    },
  ];
}

function keepingRows(retention: RetentionReport | undefined): SettingsRow[] {
  if (retention === undefined) return [];
  const { policy, pending, hold } = retention;
  const until = hold.endsAtMs === null ? '' : ` until ${fullTime(hold.endsAtMs)}`;
  const later =
    pending === null
      ? ''
      : ` From ${fullTime(pending.fromMs)} on: ${pending.policy.versions} versions, ${pending.policy.days} days, trash ${pending.policy.trashDays} days.`;
  return [
    {
      text: settingsActs.policy.label,
      note: `${policy.versions} versions, others ${policy.days} days, trash ${policy.trashDays} days`,
      act: 'policy',
      detail: `The newest ${policy.versions} versions of each file, all others for ${policy.days} days, removed entries for ${policy.trashDays} days.${later} Enter changes it.`,
    },
    {
      text: settingsActs.hold.label,
      note: hold.on ? `on: nothing is dropped${until}` : 'off',
      role: hold.on ? 'warning' : 'plain',
      act: 'hold',
      detail: `While it is on, every version stays, whatever the policy says. ${hold.reason} Enter turns it ${hold.on ? 'off' : 'on'}.`,
    },
  ];
}

function deviceRow(shown: ShownDevice, info: AccountInfo): SettingsRow {
  const { device, name, scope, revoked, enrolledAtMs, lastSeenMs } = shown;
  const isThis = Buffer.compare(device, info.device) === 0;
  const seen =
    lastSeenMs === undefined ? 'signed in' : lastSeenMs === null ? 'never seen' : `seen ${fullTime(lastSeenMs)}`;
  const words = [isThis ? 'this one' : '', scope === 'worker' ? 'unattended' : '', revoked ? 'revoked' : seen];
  const since = enrolledAtMs === undefined ? '' : ` Signed in ${fullTime(enrolledAtMs)}.`;
  const canRevoke = !isThis && !revoked && info.scope === 'full';
  return {
    text: `device ${name}`,
    note: words.filter((word) => word !== '').join(', '),
    role: revoked ? 'dim' : 'plain',
    detail: `Device number ${Buffer.from(device).toString('hex')}.${since}${canRevoke ? ' d revokes it.' : ''}`,
    ...(canRevoke && { device: shown }),
  };
}
