/** A thread that takes out the collector again and again, as other threads of the process do meanwhile. */
import type { YoungCollector } from '../../src/transfer/young-collector.ts';

const module = new URL('../../src/transfer/young-collector.ts', import.meta.url);

for (let time = 0; time < 20; time += 1) {
  // Another one each time, as each thread has its own.
  const own = (await import(`${module.href}?${time}`)) as { YoungCollector: typeof YoungCollector };
  new own.YoungCollector(1).passed(1);
}
