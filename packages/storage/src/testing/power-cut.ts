import type { Random } from '@coffer/core';
import { randomUnit } from '@coffer/core';
import type { DiskEvent } from './disk-event.ts';
import { applyEvent } from './disk-event.ts';

/** What a disk writes as one; a power cut may leave half of one. */
const sectorBytes = 512;

/** The content of a file after a power cut: everything up to its last sync, and chance for what came later. */
export function cutFile(history: readonly DiskEvent[], random: Random): Uint8Array {
  const lastSync = history.findLastIndex(({ type }) => type === 'sync');
  let content: Uint8Array = new Uint8Array(0);
  for (const event of history.slice(0, lastSync + 1)) content = applyEvent(content, event);
  for (const event of history.slice(lastSync + 1)) content = applyByChance(content, event, random);
  return content;
}

function applyByChance(content: Uint8Array, event: DiskEvent, random: Random): Uint8Array {
  const luck = randomUnit(random);
  if (luck < 1 / 3) return content;
  if (luck < 2 / 3 || event.type !== 'write') return applyEvent(content, event);
  return applySectors(content, event, random);
}

/** Some sectors of a write, the last of them torn. */
function applySectors(content: Uint8Array, event: DiskEvent & { type: 'write' }, random: Random): Uint8Array {
  let next = content;
  let torn: { readonly position: number; readonly bytes: Uint8Array } | undefined;
  const end = event.position + event.bytes.byteLength;
  for (let at = event.position; at < end;) {
    const stop = Math.min(end, (Math.floor(at / sectorBytes) + 1) * sectorBytes);
    const bytes = event.bytes.subarray(at - event.position, stop - event.position);
    if (randomUnit(random) < 0.5) {
      next = applyEvent(next, { ...event, position: at, bytes });
      torn = { position: at, bytes };
    }
    at = stop;
  }
  if (!torn) return next;
  const half = Math.floor(torn.bytes.byteLength / 2);
  const garbage = Buffer.concat([torn.bytes.subarray(0, half), random.bytes(torn.bytes.byteLength - half)]);
  return applyEvent(next, { ...event, position: torn.position, bytes: garbage });
}
