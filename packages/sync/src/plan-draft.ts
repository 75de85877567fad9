import type {
  AttributesStep,
  FetchStep,
  ForgetStep,
  LinkStep,
  MakeDirectoryStep,
  MoveStep,
  Plan,
  PlanCounts,
  PlanProblem,
  RememberStep,
  RemoveStep,
  SetAsideStep,
  UploadStep,
  VanishedFile,
} from './plan.ts';

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** A plan while it is made. */
export class PlanDraft {
  readonly bookkeeping: (RememberStep | ForgetStep)[] = [];
  readonly structure: (MakeDirectoryStep | MoveStep | SetAsideStep)[] = [];
  readonly contents: (UploadStep | FetchStep | LinkStep | AttributesStep)[] = [];
  readonly removals: RemoveStep[] = [];
  readonly directories: AttributesStep[] = [];
  readonly problems: PlanProblem[] = [];
  readonly counts: Writable<PlanCounts> = {
    unchanged: 0,
    conflicts: 0,
    filesThere: 0,
    removing: 0,
    files: 0,
    bytes: 0,
  };
  #complete = true;
  #leavesWork = false;

  problem(problem: PlanProblem): void {
    this.problems.push(problem);
  }

  /** The vault holds something here that base will not know. */
  leaveOut(): void {
    this.#complete = false;
  }

  /** The other direction of a two-way job acts first here, or afterwards. */
  leaveWork(): void {
    this.#leavesWork = true;
    this.#complete = false;
  }

  transfer(step: UploadStep | FetchStep, bytes: number): void {
    this.contents.push(step);
    this.counts.files += 1;
    this.counts.bytes += bytes;
  }

  remove(step: RemoveStep): void {
    this.removals.push(step);
    this.counts.removing += step.files;
  }

  finish(mode: 'push' | 'pull', vanishedFiles: readonly VanishedFile[]): Plan {
    const { bookkeeping, structure, contents, removals, directories, problems, counts } = this;
    const state = { complete: this.#complete, leavesWork: this.#leavesWork };
    return { mode, bookkeeping, structure, contents, removals, directories, problems, counts, vanishedFiles, ...state };
  }
}
