import type { DeviceId } from '@coffer/core';
import { createTlsDial } from '../connection/dial.ts';
import type { Dial } from '../connection/dial.ts';
import { OwnChain } from '../login/identity-chain.ts';
import { openAccount } from '../open-account.ts';
import type { OpenAccountOptions } from '../open-account.ts';
import type { AskPassword } from '../profile/keystore.ts';
import { RekeyDue } from './rekey-due.ts';

export interface RevokeOwnOptions extends Pick<OpenAccountOptions, 'profile' | 'onIgnored' | 'onGeneration'> {
  readonly device: DeviceId;
  /** The account's password: asked once, for the keystore or, when a full device goes, for new keys. */
  readonly password: AskPassword;
  /** Told when a step that takes a while begins. */
  readonly onStep?: (step: 'keys' | 'vaults') => void;
}

export interface RevokeOwnReport {
  readonly scope: 'full' | 'worker';
  /** It was revoked before; what was left to do is done now. */
  readonly wasRevoked: boolean;
  /** Identity, root key and secret of chunks are new. */
  readonly rotated: boolean;
  /** Vaults that got a new key. */
  readonly vaults: number;
  /** Names of own teams that could be given none: they are taken out of what the account shares, and are to be made anew. */
  readonly lostTeams: readonly string[];
}

/**
 * Revokes another device of the account and takes from it what it could still use: a worker's vaults get new keys, after a full
 * device everything does. Interrupted, the same again goes on. @throws as `OwnDevices.revoke`; REFUSED for a wrong password
 */
export async function revokeOwn(
  { profile, device, password, onStep, ...wishes }: RevokeOwnOptions,
  signal?: AbortSignal,
  dial: Dial = createTlsDial({ clock: profile.deps.clock }),
): Promise<RevokeOwnReport> {
  const ask = once(password);
  const open = () => openAccount({ ...wishes, profile, unlock: ask, ...(signal && { signal }) }, { dial });
  const parts = { profile, device, ask, dial, ...(onStep && { onStep }) };
  // Keys that an interrupted call has sent may be the account's by now.
  const resumed = profile.hasRotation && (await rotate(parts, signal));
  const due = new RekeyDue(profile.rekeyDuePath);
  const unfinished = due.list();
  due.add(device);
  const { scope, wasRevoked } = await revokeFirst(open, device, signal);
  const rotated = (scope === 'full' && (await rotateIfDue(parts, signal))) || resumed;
  onStep?.('vaults');
  await using account = await open();
  const { vaults, lostTeams } = await account.ownDevices.rekey({ due: wasRevoked ? unfinished : due.list() }, signal);
  due.clear();
  return { scope, wasRevoked, rotated, vaults, lostTeams: lostTeams.map((id) => account.teams.nameOf(id)) };
}

/** What a person is told of one of {@link RevokeOwnReport.lostTeams}. */
export function lostTeamText(name: string): string {
  return `The team ${name} could not be given a new key: nothing is shared with it any more. Make a new team in its place`;
}

async function revokeFirst(
  open: () => ReturnType<typeof openAccount>,
  device: DeviceId,
  signal: AbortSignal | undefined,
): Promise<Pick<RevokeOwnReport, 'scope' | 'wasRevoked'>> {
  await using account = await open();
  const wasRevoked = !(await account.ownDevices.revoke(device, signal));
  const known = account.devices().find((one) => Buffer.compare(one.device, device) === 0);
  return { scope: known?.scope ?? 'full', wasRevoked };
}

interface RotateIfDue extends Pick<RevokeOwnOptions, 'profile' | 'device' | 'onStep'> {
  readonly ask: AskPassword;
  readonly dial: Dial;
}

/** Keys that were changed after the device went are none that it knows. */
async function rotateIfDue(parts: RotateIfDue, signal: AbortSignal | undefined): Promise<boolean> {
  const { profile, device } = parts;
  const chain = OwnChain.open(profile.chainPath, profile.requireRecord().account);
  return !chain.rotatedSince(device) && (await rotate(parts, signal));
}

async function rotate({ profile, ask, dial, onStep }: RotateIfDue, signal: AbortSignal | undefined): Promise<boolean> {
  const record = profile.requireRecord();
  const chain = OwnChain.open(profile.chainPath, record.account);
  onStep?.('keys');
  const keys = await profile.keystore.open(record, ask);
  if (keys.kind !== 'full') return false;
  const { rotateKeys } = await import('./rotate-keys.ts');
  await rotateKeys({ profile, chain, keys, dial, password: await ask() }, signal);
  return true;
}

function once(ask: AskPassword): AskPassword {
  let asked: Promise<string> | undefined;
  return () => (asked ??= ask());
}
