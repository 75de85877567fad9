import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compareTrees, runProgram, TemporaryFolder, cleanEnvironment } from '../src/index.ts';
import type { Location } from './location.ts';
import type { Part, ToolResult } from './result.ts';
import { measure } from './sample.ts';
import type { Sample } from './sample.ts';
import { makeCertificates } from './services/certificates.ts';
import { steps, stepTitles } from './tool.ts';
import type { Certificates, Step, Stored, Tool, ToolSession } from './tool.ts';
import { edit, makeWorkload } from './workloads.ts';
import type { Workload, WorkloadName } from './workloads.ts';

export interface TransferOptions {
  readonly location: Location;
  readonly workload: WorkloadName;
  readonly tools: readonly Tool[];
  readonly runs: number;
  readonly scale: number;
  readonly patienceMs: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Measures every tool on one workload in one place. Within a run all tools do a step before the next step begins,
 * in an order that turns from run to run: what disturbs the machine for a while disturbs all of them.
 */
export async function runTransfer(options: TransferOptions): Promise<Part> {
  const { location, scale, runs, signal } = options;
  await using folder = await TemporaryFolder.open({ parent: location.folder, prefix: 'coffer-transfer-' });
  const certificates = await makeCertificates(folder.join('certificates'));
  const workload = makeWorkload(options.workload, { folder: folder.path, scale });
  await using sessions = new AsyncDisposableStack();
  const contenders: Contender[] = [];
  for (const tool of options.tools) {
    const place = makePlace(folder, { name: tool.name, certificates, signal });
    contenders.push(new Contender(tool.name, sessions.use(await tool.open(place))));
  }
  for (let run = 0; run < runs; run += 1) await runOnce({ ...options, contenders, workload, folder, run });
  return {
    where: location.where,
    fileSystem: location.fileSystem,
    workload: workload.name,
    title: workload.title,
    results: contenders.map((contender) => contender.result),
  };
}

/** A tool in this benchmark, with what was found out about it. */
class Contender {
  readonly name: string;
  readonly session: ToolSession;
  readonly samples: Partial<Record<Step, Sample[]>> = {};
  readonly stored: Stored[] = [];
  readonly faults: string[] = [];
  /** What fails once is left out from then on, and reported. */
  failed = false;

  constructor(name: string, session: ToolSession) {
    this.name = name;
    this.session = session;
  }

  get result(): ToolResult {
    const { name: tool, samples, stored, faults } = this;
    return { tool, samples, stored, faults };
  }

  fail(what: string): void {
    this.failed = true;
    this.faults.push(what);
  }
}

interface Run extends Omit<TransferOptions, 'workload'> {
  readonly contenders: readonly Contender[];
  readonly workload: Workload;
  readonly folder: TemporaryFolder;
  readonly run: number;
}

async function runOnce(run: Run): Promise<void> {
  for (const contender of run.contenders.filter(({ failed }) => !failed)) {
    await attempt(contender, { run, what: 'preparation' }, async () => await contender.session.begin(run.workload));
  }
  for (const step of steps) {
    if (step === 'edit') edit(run.workload);
    for (const contender of turned(run.contenders, run.run)) {
      if (!contender.failed)
        await attempt(contender, { run, what: stepTitles[step] }, async () => await doStep(contender, step, run));
    }
  }
}

async function doStep(contender: Contender, step: Step, run: Run): Promise<void> {
  const { workload, folder, patienceMs, signal } = run;
  const target = step === 'restore' ? await folder.folder('restored') : undefined;
  try {
    const command = contender.session.command({ step, workload, target });
    if (command === undefined) return;
    await settle(run);
    const sample = await measure(command, { serverPid: contender.session.serverPid, patienceMs, signal });
    (contender.samples[step] ??= []).push(sample);
    if (step === 'upload') contender.stored.push(contender.session.stored());
    if (target !== undefined) checkRestored(contender, workload, target);
    run.say(describe(contender, step, { run, sample }));
  } finally {
    if (target !== undefined) rmSync(target, { recursive: true, force: true });
  }
}

function checkRestored(contender: Contender, workload: Workload, target: string): void {
  const differences = compareTrees(workload.source, target, contender.session.restores);
  if (differences.length === 0) return;
  const some = differences.slice(0, 5).map(({ path, what }) => `${what}: ${path}`);
  contender.faults.push(`restored with ${differences.length} differences, such as ${some.join('; ')}`);
}

/** A tool that fails does not end the run of the others; an interruption does. */
async function attempt(
  contender: Contender,
  { run: { signal, say }, what }: { run: Run; what: string },
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    signal.throwIfAborted();
    contender.fail(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    say(`${contender.name} is left out from here on: ${contender.faults.at(-1)}`);
  }
}

/** What the step before wrote reaches the disk first, so that it is not paid for by this one. */
async function settle({ location, signal }: Run): Promise<void> {
  if (location.where === 'disk') {
    await runProgram(['sync', '-f', location.folder], { env: cleanEnvironment('/'), signal });
  }
}

function makePlace(
  folder: TemporaryFolder,
  { name, certificates, signal }: { name: string; certificates: Certificates; signal: AbortSignal },
): Parameters<Tool['open']>[0] {
  const [server, client] = [join(folder.path, name, 'server'), join(folder.path, name, 'client')];
  for (const path of [server, client]) mkdirSync(path, { recursive: true, mode: 0o700 });
  return { server, client, certificates, signal };
}

function turned<Item>(items: readonly Item[], by: number): readonly Item[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

function describe(contender: Contender, step: Step, { run, sample }: { run: Run; sample: Sample }): string {
  const where = `${run.location.where} ${run.workload.name} run ${run.run + 1}/${run.runs}`;
  return `${where}: ${step} ${contender.name} ${(sample.wallMs / 1000).toFixed(2)} s`;
}
