import { closeSync, constants, fchmodSync, fstatSync, linkSync, openSync, unlinkSync, writeSync } from 'node:fs';
import type { FileFacts, LaidFile, LanePlace } from '../downloader.ts';
import { createFileTimes } from '../file-times.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

type Place = Omit<LanePlace, 'release'>;

/**
 * Lays small files down in a lane, where nothing is yet. A file gets its name by a link, which fails when there is something:
 * nothing is ever replaced, whatever happens in the directory meanwhile. Whatever goes wrong is left to the thread that asked:
 * it has the bytes, tries again, and tells why.
 */
export class FileLayer {
  readonly #times = createFileTimes();
  /** Where files cannot be linked (FAT) each would be written twice. */
  #canLink = true;

  /** Undefined when nothing was laid down; then nothing is left behind. */
  lay(bytes: Uint8Array, place: Place): LaidFile | undefined {
    if (!this.#canLink || bytes.byteLength !== place.size) return undefined;
    try {
      return this.#lay(bytes, place);
    } catch (error) {
      if (noLinks.has((error as NodeJS.ErrnoException).code)) this.#canLink = false;
      return undefined;
    }
  }

  #lay(bytes: Uint8Array, place: Place): LaidFile {
    const temporary = pathOf(place.temporary);
    const fd = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    let isTemporary = true;
    try {
      const laid = this.#fill(fd, bytes, place);
      linkSync(temporary, pathOf(place.path));
      unlinkSync(temporary);
      isTemporary = false;
      const now = factsOf(fd);
      return { stats: now.size === laid.size && now.mtimeNs === laid.mtimeNs ? now : undefined };
    } finally {
      closeSync(fd);
      if (isTemporary) unlinkSync(temporary);
    }
  }

  /** Times come last: every write before sets them anew. */
  #fill(fd: number, bytes: Uint8Array, { mode, mtime }: Place): FileFacts {
    for (let done = 0; done < bytes.byteLength;) done += writeSync(fd, bytes, done);
    fchmodSync(fd, mode);
    this.#times.setOpen(fd, mtime);
    return factsOf(fd);
  }
}

const noLinks: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

function factsOf(fd: number): FileFacts {
  const { size, mtimeNs, ctimeNs, ino, mode } = fstatSync(fd, { bigint: true });
  return { size, mtimeNs, ctimeNs, ino, mode };
}

/** A message turns a `Buffer` into a plain array. */
function pathOf(path: string | Uint8Array): string | Buffer {
  return typeof path === 'string' ? path : Buffer.from(path);
}
