import { renameSync, rmSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { isRootRefusal } from '@coffer/sync';
import type { ListedJob } from '@coffer/sync';
import { systemClock } from '@coffer/core';
import { Scene } from '../../sync/test/scene.ts';
import { JobsScreen } from '../src/screens/jobs/jobs-screen.ts';
import { Jobs } from '../src/services/jobs.ts';
import type { JobsDeps } from '../src/services/jobs.ts';
import type { Services } from '../src/services/services.ts';

/** A backup with many files, as the Jobs screen has it, and a person who answers its questions. */
class JobsScene implements AsyncDisposable {
  readonly scene = new Scene();
  readonly job: ListedJob = { local: this.scene.folder, path: '/docs', mode: 'push', delete: true, exclude: [] };
  readonly jobs: Jobs;
  readonly asked: string[] = [];
  /** What a person does before agreeing. */
  meanwhile: () => void = () => undefined;
  readonly #screen: JobsScreen;

  constructor() {
    const jobsFolder = this.scene.temporary.at('jobs');
    const info = { deviceName: 'laptop', device: new Uint8Array(16).fill(1) };
    const deps = {
      account: { info },
      vault: this.scene.vault,
      clock: systemClock,
      jobsFolder,
      onChanged: () => undefined,
    };
    this.jobs = new Jobs(deps as unknown as JobsDeps);
    const ui = {
      say: () => undefined,
      fail: (error: unknown) => this.asked.push(`failed: ${String(error)}`),
      confirm: async ({ title, lines }: { title: string; lines: readonly string[] }) => {
        this.asked.push(`${title.split(' ')[0] ?? ''}: ${lines[0] ?? ''}`);
        this.meanwhile();
        return true;
      },
    };
    this.#screen = new JobsScreen({ ui, jobs: this.jobs, jobsFolder } as unknown as Services);
  }

  async begin(files: number): Promise<void> {
    for (let number = 0; number < files; number += 1) this.scene.write(`file ${number}`, `text ${number}`);
    this.jobs.add(this.job);
    await this.jobs.run(this.job);
  }

  remove(from: number, to: number): void {
    for (let number = from; number < to; number += 1) rmSync(this.scene.at(`file ${number}`));
  }

  /** Plans, agrees to everything, and waits until nothing runs any more. */
  async planAndAgree(): Promise<void> {
    const before = this.#runs;
    this.#screen.run('planJob', 20);
    for (let tries = 0; tries < 500 && this.#runs === before; tries += 1)
      await new Promise((done) => setTimeout(done, 10));
    await this.#settled();
  }

  get text(): string | undefined {
    return this.jobs.store.state.jobs[0]?.job.last?.text;
  }

  get files(): number {
    const docs = this.scene.vault.tree.lookup('/docs');
    return docs === undefined ? 0 : this.scene.vault.tree.children(docs.entry).length;
  }

  get #runs(): number | undefined {
    return this.jobs.store.state.jobs[0]?.job.last?.atMs;
  }

  async #settled(): Promise<void> {
    for (let quiet = 0; quiet < 10; quiet += 1) {
      if (this.jobs.store.state.jobs[0]?.running !== 'no') quiet = 0;
      await new Promise((done) => setTimeout(done, 10));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.jobs[Symbol.asyncDispose]();
    this.scene[Symbol.dispose]();
  }
}

test('a plan that was agreed to removes what it showed, however much that is', async () => {
  await using scene = new JobsScene();
  await scene.begin(150);
  scene.remove(0, 120);
  await scene.planAndAgree();
  expect(scene.asked).toEqual(['Plan: In all: removed 120, unchanged 30.']);
  expect(scene.files).toBe(30);
});

test('what goes after the plan was shown is not agreed to', async () => {
  await using scene = new JobsScene();
  await scene.begin(20);
  scene.remove(0, 2);
  scene.meanwhile = () => {
    scene.meanwhile = () => undefined;
    scene.remove(2, 18);
  };
  await scene.planAndAgree();
  expect(scene.files).toBe(20);
  expect(scene.text).toContain('would remove 18');
});

test('a folder that became empty is a question of its own', async () => {
  await using scene = new JobsScene();
  await scene.begin(20);
  scene.remove(0, 20);
  expect(await scene.jobs.plan(scene.job).catch(isRootRefusal)).toBe(true);
  await scene.planAndAgree();
  expect(scene.asked[0]).toContain('Refused: the folder is empty');
  expect(scene.asked[1]).toContain('removed 20');
  expect(scene.files).toBe(0);
});

test('a disk that goes away while the plan is read is not taken for a removal of everything', async () => {
  await using scene = new JobsScene();
  await scene.begin(20);
  scene.remove(0, 1);
  scene.meanwhile = () => {
    scene.meanwhile = () => undefined;
    renameSync(scene.scene.folder, `${scene.scene.folder} elsewhere`);
  };
  await scene.planAndAgree();
  expect(scene.files).toBe(20);
});
