import { parentPort, workerData } from 'node:worker_threads';
import { GarbageCollector, MiB, systemRandom } from '@coffer/core';
import type { LaneRequest, LaneSetup } from './lane-messages.ts';
import { UploadLane } from './upload-lane.ts';

/** Thread of one upload lane: the mailbox around {@link UploadLane}. */
const port = parentPort;
if (port === null) throw new TypeError('an upload lane runs in a worker thread');

const collector = new GarbageCollector({ everyBytes: 8 * MiB, what: 'young' });

const lane = new UploadLane(workerData as LaneSetup, {
  post: (reply, transfer) => {
    port.postMessage(reply, [...transfer]);
    if (reply.kind === 'sealed') collector.passed(reply.ends.at(-1) ?? 0);
  },
  random: systemRandom,
  later: (work, delayMs) => void (delayMs === 0 ? setImmediate(work) : setTimeout(work, delayMs)),
});

port.on('message', (request: LaneRequest) => lane.handle(request));
