import { integrityError, isCofferError, MiB } from '@coffer/core';
import type { Commit } from '@coffer/journal';
import type { ClientConnection } from '@coffer/protocol';
import { rollbackError } from '../state/rollback-error.ts';
import { checkArrived, parsedCommit } from '../state/vault-journal.ts';
import type { FoldReport, PullEnd, PulledCommit, VaultJournal } from '../state/vault-journal.ts';

export interface PullInto {
  readonly journal: VaultJournal;
  readonly connection: ClientConnection;
  /** Fetches the own identity statements, when a commit may speak of newer ones. */
  readonly refreshIdentities: () => Promise<void>;
  /** Fetches the chains that judging these commits needs. Without it there is but the own one. */
  readonly prepare?: (commits: readonly Commit[]) => Promise<void>;
  /** Least position that the server must have. */
  readonly pinnedSeq?: number;
}

/** Commits folded in one transaction: their tables are written together, and memory stays bounded. */
const batchBytes = 4 * MiB;
const batchCommits = 200;

/** Pulls what follows the folded head, and folds it. Nothing of a pull that lies is kept. @throws ROLLBACK, INTEGRITY, UNREACHABLE */
export async function pullInto(input: PullInto, signal?: AbortSignal): Promise<FoldReport> {
  try {
    return await pullWithKeys(input, signal);
  } catch (error) {
    if (isCofferError(error, 'ROLLBACK', 'INTEGRITY')) input.journal.forgetUnconfirmed();
    throw error;
  }
}

/** Whoever joined later finds the key of what came before in what comes after. */
async function pullWithKeys(input: PullInto, signal: AbortSignal | undefined): Promise<FoldReport> {
  try {
    return await pullAndFold(input, signal);
  } catch (error) {
    if (!isCofferError(error, 'NOT_ALLOWED') || error.details['missingKey'] !== true) throw error;
    await readAhead(input, signal);
    return await pullAndFold(input, signal);
  }
}

/** Learns from headers alone, before anything of them is judged, which keys they bring. */
async function readAhead({ journal, connection }: PullInto, signal: AbortSignal | undefined): Promise<void> {
  const message = { vault: journal.vault, after: journal.state?.seq ?? 0 };
  const { data } = await connection.request('vault.pull', message, { ...(signal && { signal }) });
  for await (const frame of data) journal.learnAhead(parsedCommit(pulledCommit(frame).bytes).header);
}

async function pullAndFold(input: PullInto, signal: AbortSignal | undefined): Promise<FoldReport> {
  const { journal, connection, pinnedSeq = 0 } = input;
  const { vault } = journal;
  const after = journal.state?.seq ?? 0;
  const { response, data } = await connection.request('vault.pull', { vault, after }, { ...(signal && { signal }) });
  if (response.seq < Math.max(after, pinnedSeq)) throw rollbackError(response.seq);
  const folder = new BatchFolder(input, after);
  for await (const frame of data) await folder.add(pulledCommit(frame));
  await folder.finish(response);
  return folder.report;
}

class BatchFolder {
  readonly #input: PullInto;
  #batch: PulledCommit[] = [];
  #bytes = 0;
  #refreshed = false;
  #after: number;
  report: FoldReport = { voidCommits: 0, skippedOperations: 0, skipped: [], authors: [] };

  constructor(input: PullInto, after: number) {
    this.#input = input;
    this.#after = after;
  }

  async add(commit: PulledCommit): Promise<void> {
    if (this.#batch.length >= batchCommits || this.#bytes >= batchBytes) await this.#fold('more');
    this.#batch.push(commit);
    this.#bytes += commit.bytes.byteLength;
  }

  /** The last batch is folded only when it leads to the head that the server announced. */
  async finish(end: Exclude<PullEnd, 'more'>): Promise<void> {
    if (this.#batch.length > 0) await this.#fold(end);
    else checkArrived(this.#input.journal.state, end);
  }

  async #fold(end: PullEnd): Promise<void> {
    const { voidCommits, skippedOperations, skipped, authors } = await this.#folded(end);
    this.#after += this.#batch.length;
    this.#batch = [];
    this.#bytes = 0;
    this.report = {
      voidCommits: this.report.voidCommits + voidCommits,
      skippedOperations: this.report.skippedOperations + skippedOperations,
      skipped: [...this.report.skipped, ...skipped].slice(0, 1000),
      authors: [...this.report.authors, ...authors].slice(0, 100),
    };
  }

  /** A commit may come from a device that was enrolled since the chain was fetched. */
  async #folded(end: PullEnd): Promise<FoldReport> {
    await this.#input.prepare?.(this.#batch.map(({ bytes }) => parsedCommit(bytes)));
    try {
      return this.#input.journal.fold(this.#batch, this.#after, end);
    } catch (error) {
      if (!isCofferError(error, 'INTEGRITY') || this.#refreshed) throw error;
      this.#refreshed = true;
      await this.#input.refreshIdentities();
      return this.#input.journal.fold(this.#batch, this.#after, end);
    }
  }
}

/** `receivedAt(u64) ‖ commit`. */
export function pulledCommit(frame: Uint8Array): PulledCommit {
  const receivedAtMs = Number(new DataView(frame.buffer, frame.byteOffset, 8).getBigUint64(0));
  if (!Number.isSafeInteger(receivedAtMs)) throw integrityError('The answer of the server');
  return { bytes: frame.subarray(8), receivedAtMs };
}
