import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';

export interface CollectionOptions {
  /** How many chunks there are when the collection begins, one measurement each. */
  readonly chunks: readonly number[];
  /** How many upload meanwhile. */
  readonly clients: number;
  /** What each client sends in a second, at most. */
  readonly clientMiB: number;
  /** Only the index is filled, see `fillIndex`. */
  readonly indexOnly: boolean;
  /** Where the storages are made. */
  readonly folder: string;
}

export const usage = `options of this benchmark:
  --chunks A,B      sizes to measure (default 100000,1000000)
  --clients N       how many upload meanwhile (default 4; 0: what the collection needs by itself)
  --client-mib N    what each client sends in a second, MiB (default 10)
  --index-only      packs are holes: only what a collection does in the index, for ten million chunks; without clients
  --folder DIR      where the storages are made (default: the system's temporary folder)`;

/** @throws RangeError that says what is wrong */
export function readOptions(argv: readonly string[]): CollectionOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      chunks: { type: 'string', default: '100000,1000000' },
      clients: { type: 'string', default: '4' },
      'client-mib': { type: 'string', default: '10' },
      'index-only': { type: 'boolean', default: false },
      folder: { type: 'string', default: tmpdir() },
    },
  });
  const chunks = values.chunks.split(',').map(Number);
  if (!chunks.every((count) => Number.isInteger(count) && count >= 1000))
    throw new RangeError('--chunks takes whole numbers from 1000 on');
  const indexOnly = values['index-only'];
  const clients = indexOnly ? 0 : Number(values.clients);
  if (!(Number.isInteger(clients) && clients >= 0 && clients <= 100))
    throw new RangeError('--clients takes a whole number from 0 to 100');
  const clientMiB = Number(values['client-mib']);
  if (!(clientMiB > 0)) throw new RangeError('--client-mib takes a number above 0');
  return { chunks, clients, clientMiB, indexOnly, folder: values.folder };
}
