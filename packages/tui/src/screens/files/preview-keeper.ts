import { CofferError, MiB } from '@coffer/core';
import { idKey } from '@coffer/core';
import type { Store } from '../../app/store.ts';
import type { Services } from '../../services/services.ts';
import { focusedRow } from './files-state.ts';
import type { FilesState } from './files-state.ts';
import type { Preview } from '../../preview/draw-content.ts';
import { loadPreview } from '../../preview/load-content.ts';
import { extensionOf } from './rows.ts';
import type { Row } from './rows.ts';

/** The cursor rests that long before a file is read: who runs through a list reads nothing. */
const restMs = 120;
/** Previews that are kept; each is some kilobytes. */
const keptPreviews = 30;

/** Reads the beginning of the file under the cursor once the cursor rests there, and shows it. */
export class PreviewKeeper {
  readonly #services: Services;
  readonly #store: Store<FilesState>;
  readonly #kept = new Map<string, Preview>();
  #wanted: string | undefined;
  #reading: AbortController | undefined;

  constructor(services: Services, store: Store<FilesState>) {
    this.#services = services;
    this.#store = store;
  }

  /** Called after every change of the state. */
  follow(): void {
    const row = this.#store.state.showsInfo ? focusedRow(this.#store.state) : undefined;
    const key = row === undefined ? undefined : keyOf(row);
    if (key === this.#wanted) return;
    this.#wanted = key;
    this.#reading?.abort(new CofferError('CANCELLED', 'the cursor moved on'));
    const kept = key === undefined ? undefined : this.#kept.get(key);
    this.#show(kept);
    if (row !== undefined && key !== undefined && kept === undefined) void this.#read(row, key);
  }

  async #read(row: Row, key: string): Promise<void> {
    const reading = new AbortController();
    this.#reading = reading;
    const { vault, clock, spareDownloader } = this.#services;
    try {
      await clock.sleep(restMs, reading.signal);
      this.#show({ key, content: { kind: 'loading' } });
      const preview = await spareDownloader.use((downloader) =>
        loadPreview(
          { vault, downloader, entry: row.entry, extension: extensionOf(row.name), draws: true, key },
          reading.signal,
        ),
      );
      this.#keep(preview);
      if (this.#wanted === key) this.#show(preview);
    } catch {
      // The cursor moved on, and nobody waits for it.
    }
  }

  #keep(preview: Preview): void {
    if (preview.content.kind === 'failed') return;
    this.#kept.set(preview.key, preview);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > keptPreviews && oldest !== undefined) this.#kept.delete(oldest);
  }

  #show(preview: Preview | undefined): void {
    this.#store.update((state) => (state.preview === preview ? state : { ...state, preview }));
  }
}

/** Undefined for what has no content to read, and for what one chunk is too much to fetch unasked. */
function keyOf(row: Row): string | undefined {
  if (row.kind !== 'file' || row.size === 0 || row.size > maxPreviewedBytes) return undefined;
  const { entry, seq } = row.entry;
  return `${idKey(entry)} ${seq}`;
}

/** Larger files are not read for a preview unasked: their first chunk alone may be 4 MiB. */
const maxPreviewedBytes = 256 * MiB;
