import { basename } from 'node:path';
import { isCofferError } from '@coffer/core';
import { resolveConflict } from '@coffer/sync';
import type { ListedConflict, ListedJob } from '@coffer/sync';
import { listStart, move, settle } from '../../app/list-state.ts';
import type { ListState } from '../../app/list-state.ts';
import { motionOf } from '../../app/motions.ts';
import type { Ability, Screen, ScreenView, Space } from '../../app/screen.ts';
import { Store } from '../../app/store.ts';
import type { ActionId } from '../../keymap.ts';
import type { Services } from '../../services/services.ts';
import { addJob } from '../../services/add-job.ts';
import { reportText } from '../../services/report-text.ts';
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

  /** What a run would do; agreed to, it runs. */
  async #plan(job: ListedJob): Promise<void> {
    const { jobs, ui } = this.#services;
    const { lines, report } = await jobs.plan(job).catch((error: unknown) => {
      if (isCofferError(error, 'CANCELLED')) return { lines: [], report: undefined };
      throw error;
    });
    if (report === undefined) return;
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
    const isAgreed = await ui.confirm({
      title: `Plan of ${job.local}`,
      lines: [`In all: ${reportText(report)}.`, ...problems, ...steps, ...more],
      yes: 'do it now',
    });
    if (isAgreed) await this.#services.jobs.run(job, { force: true });
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
