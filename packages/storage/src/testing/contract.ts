/** One promise of an interface, to be kept by every implementation. Throws an AssertionError when it is broken. */
export interface ContractCase<Subject> {
  readonly name: string;
  readonly run: (make: () => Promise<Subject>) => Promise<void>;
}
