/** An option that may be repeated: each use adds one value. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
