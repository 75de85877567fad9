/**
 * Works through `items` with at most `lanes` at a time, in order of beginning. The first failure stops the beginning of more
 * and is thrown once all that began have ended.
 */
export async function runLanes<Item>(
  items: Iterable<Item>,
  { lanes, work }: { readonly lanes: number; readonly work: (item: Item) => Promise<void> },
  signal?: AbortSignal,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failure: { readonly reason: unknown } | undefined;
  const lane = async (): Promise<void> => {
    while (failure === undefined) {
      try {
        signal?.throwIfAborted();
        const next = iterator.next();
        if (next.done === true) return;
        await work(next.value);
      } catch (error) {
        failure ??= { reason: error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, lanes) }, () => lane()));
  if (failure !== undefined) throw failure.reason;
}
