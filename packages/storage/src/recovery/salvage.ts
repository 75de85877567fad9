import type { PackPlace } from '../packs/packs.ts';
import { indexPack, scanRange } from './index-pack.ts';
import type { Tail } from './index-pack.ts';
import type { RecoverPack } from './recover.ts';

/**
 * Writes the whole records that lie behind a torn place once more, at the end of their store, so that the pack can be
 * cut where it is torn. After a power cut they were never acknowledged; but should the torn place be damage of another
 * kind, then nothing that is whole is lost. Resolves to how many there were.
 */
export async function salvage(work: RecoverPack, { cleanBytes, wholeBytes }: Tail): Promise<number> {
  const { packs, pack, logger } = work;
  const ends = new Map<string, number>();
  let ticket = 0;
  let count = 0;
  for await (const scanned of scanRange(packs, { pack, from: cleanBytes, to: wholeBytes, signal: work.signal })) {
    if (scanned.type !== 'record') continue;
    const { header, payload } = scanned;
    const ids = { vault: header.vault.slice(), id: header.id.slice(), uploader: header.uploader.slice() };
    const appended = packs.append(pack, [{ ...header, ...ids, payload: [payload.slice()] }]);
    for (const place of appended.places) ends.set(place.pack, endOf(place));
    ticket = appended.ticket;
    count += 1;
    await appended.room;
  }
  await packs.flush(pack, ticket);
  logger.warn({ pack: pack.pack, records: count }, 'whole records behind a torn place were written again');
  for (const [name, bytes] of ends) {
    await indexPack({ ...work, pack: { ...pack, pack: name, bytes }, from: 0, to: bytes, sealed: false });
  }
  return count;
}

function endOf({ offset, bytes }: PackPlace): number {
  return offset + bytes;
}
