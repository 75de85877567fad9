import { CofferError, equalBytes, MiB, u64, type VaultId } from '@coffer/core';
import { parseCommit, type Commit } from '@coffer/journal';
import { operations, protocolLimits, type Handlers } from '@coffer/protocol';
import type { Ack } from '@coffer/storage';
import type { Watcher } from '../events/watch-hub.ts';
import { statusOf, type AuditEvent } from '../log/audit.ts';
import { authorize } from '../rights/authorize.ts';
import { rightsOf } from '../rights/rights-of.ts';
import type { Connection } from '../session/connection.ts';
import { CommitMemory, type CommitHold } from './commit-memory.ts';
import type { Services } from './services.ts';
import { tellOfAppend, tellOfTeam } from './share-handlers.ts';

/** Commits of one `vault.append` are judged and written together, so they wait in memory together. */
const appendBytes = 16 * MiB;

type VaultOperation = Exclude<Extract<keyof Handlers<Connection>, `vault.${string}`>, 'vault.retention'>;

/** Journals: list, create, read, append, watch. Rights were checked before (rights/authorize.ts). */
export function vaultHandlers(services: Services): Pick<Handlers<Connection>, VaultOperation> {
  const { storage, hub } = services;
  const memory = new CommitMemory();
  const rights = rightsOf(services);
  return {
    'vault.list': async (_request, { context }) => ({ vaults: await list(services, context) }),
    'vault.create': async (_request, { context, data }) =>
      recorded(services, context, 'vault.create', async (done) => {
        using held = memory.hold(context.account);
        const [genesis, ...more] = await receiveCommits(data, { context, held });
        if (genesis === undefined || more.length > 0)
          throw new CofferError('INVALID', 'one genesis commit is expected');
        done({ vault: genesis.vault, commits: [genesis] });
        const { vault, seq, head, receivedAt } = await storage.createVault(genesis);
        tellOfTeam(services, context, genesis);
        return { vault, seq, head, receivedAt };
      }),
    'vault.head': async ({ vault }) => {
      const { seq, head, receivedAt } = await headOf(services, vault);
      return { seq, head, receivedAt };
    },
    'vault.pull': async ({ vault, after }, { signal }) => {
      const { seq, head } = await headOf(services, vault);
      return { response: { seq, head }, data: pull(services, { vault, after, until: seq, signal }) };
    },
    'vault.append': async ({ vault }, { context, data }) =>
      recorded(services, context, 'vault.append', async (done) => {
        done({ vault, commits: [] });
        using held = memory.hold(context.account);
        const commits = await receiveCommits(data, { context, held });
        done({ vault, commits });
        const before = await storage.vaultState(vault);
        // Megabytes of commits take their time, and so do those before them in the queue: a right that was lost meanwhile counts.
        const stillAllowed = () => authorize(rights, context, { access: 'write', vaults: [vault] });
        const { seq, head, receivedAt } = await storage.append(vault, commits, { stillAllowed });
        hub.advanced(vault, seq, context.watcher);
        await tellOwner(services, { vault, context });
        await tellOfAppend(services, context, { before, commits });
        return { seq, head, receivedAt };
      }),
    'vault.watch': async ({ vaults }, { context }) => {
      watch(services, context.watcher, vaults);
      return {};
    },
  };
}

/** Whose quota it is, and who did not do it. */
async function tellOwner(
  { storage, quotaNotices, changeDigest }: Services,
  { vault, context }: { readonly vault: VaultId; readonly context: Connection },
): Promise<void> {
  const state = await storage.vaultState(vault);
  if (state === undefined) return;
  await quotaNotices.check(state.owner);
  if (!equalBytes(state.owner, context.account)) await quotaNotices.checkMember(state.owner, context.account);
  await changeDigest.changed({ owner: state.owner, actor: context.account, vault });
}

async function headOf({ storage }: Services, vault: VaultId): Promise<Ack> {
  const head = await storage.head(vault);
  if (head === undefined) throw new CofferError('NOT_FOUND', 'there is no such vault');
  return head;
}

/** A worker hears only of the vaults it serves. */
async function list({ roles }: Services, { account, standing }: Connection) {
  const all = await roles.vaultsOf(account);
  const worker = standing.phase === 'device' && standing.device.scope === 'worker' ? standing.device : undefined;
  return (
    all
      .filter(({ vault }) => worker === undefined || worker.vaults.some((served) => equalBytes(served, vault)))
      // Whoever shares without end must not push the account's own vaults out of the answer.
      .toSorted((a, b) => Number(equalBytes(b.owner, account)) - Number(equalBytes(a.owner, account)))
      .slice(0, protocolLimits.vaultsPerMessage)
  );
}

interface Receive {
  readonly context: Connection;
  readonly held: CommitHold;
}

/** Commits name their author in the clear; it has to be the one who sends them. */
async function receiveCommits(data: AsyncIterable<Uint8Array>, { context, held }: Receive): Promise<Commit[]> {
  const { account, device } = context;
  const commits: Commit[] = [];
  let bytes = 0;
  for await (const payload of data) {
    bytes += payload.byteLength;
    if (bytes > appendBytes)
      throw new CofferError('LIMIT', 'too many commits at once', { details: { limitBytes: appendBytes } });
    held.add(payload.byteLength);
    const commit = parseCommit(payload);
    const { header } = commit;
    const isGenesis = header.seq === 1;
    if (!equalBytes(header.account, account)) throw notTheAuthor();
    if (!isGenesis && !equalBytes(header.device, device.device)) throw notTheAuthor();
    commits.push(commit);
  }
  return commits;
}

interface PullRange {
  readonly vault: VaultId;
  readonly after: number;
  readonly until: number;
  readonly signal: AbortSignal;
}

/** Up to the head that the response named: what came later is for the next pull. */
async function* pull(
  { storage }: Services,
  { vault, after, until, signal }: PullRange,
): AsyncGenerator<readonly Uint8Array[]> {
  if (after >= until) return;
  for await (const { seq, receivedAt, bytes } of storage.pull(vault, after, signal)) {
    yield [u64(receivedAt), bytes];
    if (seq >= until) return;
  }
}

function watch({ hub }: Services, watcher: Watcher, vaults: readonly VaultId[]): void {
  if (hub.countOf(watcher) + vaults.length > protocolLimits.vaultsPerMessage * 2) {
    throw new CofferError('LIMIT', 'too many vaults are watched on this connection');
  }
  hub.watch(watcher, vaults);
}

interface Done {
  readonly vault: VaultId;
  readonly commits: readonly Commit[];
}

/** Leaves a line in the log, however `work` ends; it tells what it is about as soon as it knows. */
async function recorded<Result>(
  { audit }: Services,
  { account, device, address }: Connection,
  operation: VaultOperation,
  work: (tell: (done: Done) => void) => Promise<Result>,
): Promise<Result> {
  let done: Done | undefined;
  const line = (status: AuditEvent['status']): void => {
    const bytes = done?.commits.reduce((sum, commit) => sum + commit.bytes.byteLength, 0) ?? 0;
    const event = { event: operation, operation: operations[operation].code, account, device: device.device, address };
    audit.record('transfer', {
      ...event,
      status,
      vault: done?.vault,
      bytes,
      counts: { commits: done?.commits.length ?? 0 },
    });
  };
  try {
    const result = await work((known) => (done = known));
    line('OK');
    return result;
  } catch (error) {
    line(statusOf(error));
    throw error;
  }
}

function notTheAuthor(): CofferError {
  return new CofferError('NOT_ALLOWED', 'a commit is sent by the device that made it');
}
