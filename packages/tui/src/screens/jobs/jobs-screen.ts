import { basename } from 'node:path';
import { isCofferError } from '@coffer/core';
import type { CofferError } from '@coffer/core';
import { isRootRefusal, reportText, resolveConflict } from '@coffer/sync';
import type { ListedConflict, ListedJob } from '@coffer/sync';
import { listStart, move, settle } from '../../app/list-state.ts';
import type { ListState } from '../../app/list-state.ts';
import { motionOf } from '../../app/motions.ts';
import type { Ability, Screen, ScreenView, Space } from '../../app/screen.ts';
import { Store } from '../../app/store.ts';
import type { ActionId } from '../../keymap.ts';
import type { JobConsent, JobPlan } from '../../services/jobs.ts';
import type { Services } from '../../services/services.ts';
import { addJob } from '../../services/add-job.ts';
import { conflictPaths, jobRows, jobsView } from './jobs-view.ts';
import type { JobRow } from './jobs-view.ts';

/** Folders of this device that are kept in step with the vault, and what two devices changed at once. */
export class JobsScreen implements Screen {
  readonly id = 'jobs';
  readonly title = 'Jobs';
  readonly #services: Services;
  readonly #list = new Store<ListState>(listStart);

  constructor(services: Services) {
    this.#services = services;
  }

  subscribe(listener: () => void): () => void {
    const ends = [this.#list.subscribe(listener), this.#services.jobs.store.subscribe(listener)];
    return () => ends.forEach((end) => end());
  }

  enter(): void {
    try {
      this.#services.jobs.refresh();
    } catch (error) {
      this.#services.ui.fail(error);
    }
  }

  view(space: Space): ScreenView {
    return jobsView({ state: this.#services.jobs.store.state, list: this.#list.state }, space);
  }

  badge(): string | undefined {
    const { jobs, conflicts } = this.#services.jobs.store.state;
    const failed = jobs.filter(
      ({ job }) => job.last?.outcome === 'failed' || job.last?.outcome === 'some-failed',
    ).length;
    const wanting = failed + conflicts.length;
    return wanting === 0 ? undefined : `! ${wanting}`;
  }

  can(action: ActionId): Ability {
    if (action === 'addJob') return true;
    const row = this.#here();
    if (!aboutRow.has(action)) return true;
    if (row === undefined) return 'there is no job: a adds one';
    if (row.kind === 'conflict') return action === 'open' ? true : 'this is a conflict: Enter resolves it';
    const isRunning = row.state.running !== 'no';
    if (action === 'stopJob') return isRunning ? true : 'it is not running';
    return isRunning && action !== 'open' ? 'it is running: P stops it' : true;
  }

  run(action: ActionId, height: number): void {
    const motion = motionOf(action);
    if (motion !== undefined) {
      const extent = { count: jobRows(this.#services.jobs.store.state).length, height };
      return this.#list.update((list) => move(settle(list, extent), motion, extent));
    }
    if (action === 'back') return this.#services.ui.back();
    void this.#act(action).catch((error: unknown) => this.#services.ui.fail(error));
  }

  escape(): boolean {
    return false;
  }

  async #act(action: ActionId): Promise<void> {
    const { jobs } = this.#services;
    if (action === 'addJob') return await addJob(this.#services);
    const row = this.#here();
    if (row === undefined) return;
    if (row.kind === 'conflict') return await this.#resolve(row.conflict);
    const { job } = row.state;
    if (action === 'runJob') return await this.#run(job);
    if (action === 'planJob' || action === 'open') return await this.#plan(job);
    if (action === 'stopJob') jobs.stop(job);
    else if (action === 'forgetJob') await this.#forget(job);
  }

  async #run(job: ListedJob): Promise<void> {
    const { jobs, ui } = this.#services;
    ui.say(`running ${basename(job.local)}`);
    await jobs.run(job);
    const last = jobs.store.state.jobs.find((one) => one.job.local === job.local && one.job.path === job.path)?.job
      .last;
    if (last !== undefined)
      ui.say(`${basename(job.local)}: ${last.text}`, last.outcome === 'done' ? 'good' : 'warning');
  }

  /** What a run would do; agreed to, that is done and nothing else. */
  async #plan(job: ListedJob, consent: JobConsent = {}): Promise<void> {
    const { jobs } = this.#services;
    const planned = await jobs.plan(job, consent).catch((error: unknown) => error);
    if (isRootRefusal(planned)) {
      if (await this.#insists(job, planned)) await this.#plan(job, { passRootGuard: true });
    } else if (isCofferError(planned, 'CANCELLED')) return;
    else if (planned instanceof Error) throw planned;
    else await this.#carryOut(job, planned as JobPlan, consent);
  }

  /** The folder is not the one that was synced before: a question of its own, before anything is done for it. */
  async #insists(job: ListedJob, refusal: CofferError): Promise<boolean> {
    return await this.#services.ui.confirm({
      title: `Is this the folder: ${job.local}?`,
      lines: [`Refused: ${refusal.message}.`, 'Is its disk mounted?'],
      yes: 'it is meant so: go on',
    });
  }

  async #carryOut(job: ListedJob, plan: JobPlan, consent: JobConsent): Promise<void> {
    const { jobs } = this.#services;
    if (!(await this.#agrees(job, plan))) return;
    const run = { ...consent, agreed: plan.report };
    const failure = await jobs.run(job, run);
    if (isRootRefusal(failure) && (await this.#insists(job, failure)))
      await jobs.run(job, { ...run, passRootGuard: true });
  }

  async #agrees(job: ListedJob, { lines, report }: JobPlan): Promise<boolean> {
    const { ui } = this.#services;
    const steps = lines
      .slice(0, shownSteps)
      .map(({ action, path, reason, from, to }) =>
        [
          to === undefined ? '' : `${to}: `,
          action,
          ' ',
          from === undefined ? path : `${from} -> ${path}`,
          `  (${reason})`,
        ].join(''),
      );
    const more = lines.length > shownSteps ? [`and ${lines.length - shownSteps} more steps`] : [];
    const problems = report.errors.slice(0, 5).map(({ path, message }) => `failed: ${path}: ${message}`);
    return await ui.confirm({
      title: `Plan of ${job.local}`,
      lines: [`In all: ${reportText(report)}.`, ...problems, ...steps, ...more],
      yes: 'do it now',
    });
  }

  async #forget(job: ListedJob): Promise<void> {
    const isAgreed = await this.#services.ui.confirm({
      title: 'Forget this job',
      lines: [`${job.local} is not kept in step any more.`, 'No file is removed, neither here nor in the vault.'],
      yes: 'forget it',
    });
    if (isAgreed) this.#services.jobs.forget(job);
  }

  async #resolve(conflict: ListedConflict): Promise<void> {
    const { ui, jobs, jobsFolder } = this.#services;
    const { path, copy } = conflictPaths(conflict);
    const keep = await ui.choose({
      title: `Keep which of ${path}?`,
      choices: [
        {
          label: 'mine',
          detail: `what this device had: ${conflict.mine === 'copy' ? copy : path}`,
          value: 'mine' as const,
        },
        {
          label: 'theirs',
          detail: `what came first: ${conflict.mine === 'copy' ? path : copy}`,
          value: 'theirs' as const,
        },
        { label: 'both', detail: 'leave the files as they are, and forget the conflict', value: 'both' as const },
      ],
    });
    if (keep === undefined) return;
    await resolveConflict({ stateDirectory: jobsFolder, conflict, keep });
    jobs.refresh();
    ui.say(keep === 'both' ? `${path}: both stay` : `${path}: resolved; the next run carries it on`, 'good');
  }

  #here(): JobRow | undefined {
    const rows = jobRows(this.#services.jobs.store.state);
    return rows[Math.min(this.#list.state.cursor, rows.length - 1)];
  }
}

/** More steps of a plan than a person reads one by one. */
const shownSteps = 200;

const aboutRow = new Set<ActionId>(['runJob', 'planJob', 'stopJob', 'forgetJob', 'open']);
