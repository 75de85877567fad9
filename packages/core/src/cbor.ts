import { decode, encode, Tokenizer } from 'cborg';
import type { DecodeOptions } from 'cborg';
import { fromUtf8 } from './bytes.ts';
import { CofferError } from './errors.ts';

/** Values that the codec carries. Map keys are text; integers stay within ±2^53. */
export type CborValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly CborValue[]
  | { readonly [key: string]: CborValue };

/** Canonical CBOR (RFC 8949 §4.2): one value has one encoding. Members that are `undefined` are left out. */
export function encodeCbor(value: unknown): Uint8Array {
  const encoded = encode(value, { ignoreUndefinedProperties: true });
  // The library hands out a Buffer for small values, whose `slice` shares memory where that of a Uint8Array copies.
  return new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.byteLength);
}

/** At least as many bytes as {@link encodeCbor} makes of `value`, for a fifth of the time: to know that it fits. */
export function cborBound(value: unknown): number {
  if (typeof value === 'string') return longestHead + 3 * value.length;
  if (typeof value !== 'object' || value === null) return longestHead;
  if (value instanceof Uint8Array) return longestHead + value.byteLength;
  const items: readonly unknown[] = Array.isArray(value) ? value : Object.entries(value).flat();
  return items.reduce<number>((sum, item) => sum + cborBound(item), longestHead);
}

/** Of any item: a type and eight bytes. */
const longestHead = 9;

/**
 * Most items of one message (each number, string, array, map and key is one): the densest that any format allows, a
 * commit of nothing but dropped entries, stays below. Without it four megabytes of empty arrays would keep whoever reads
 * them busy for seconds and fill hundreds of megabytes.
 */
export const maxCborItems = 262_144;

/**
 * Strict: refuses duplicate keys, tags, indefinite lengths, numbers longer than needed, integers as floats, text that is
 * not UTF-8, trailing bytes and more than {@link maxCborItems} items. Byte strings of the result are copies or views: do not write to them. @throws INVALID
 */
export function decodeCbor(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, { ...strict, tokenizer: new StrictTokenizer(bytes, strict) });
  } catch (cause) {
    throw new CofferError('INVALID', 'not a canonical binary message', { cause });
  }
}

const strict: DecodeOptions = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  allowBigInt: false,
  rejectDuplicateMapKeys: true,
};

const firstTextByte = 0x60;
const firstArrayByte = 0x80;
const firstFloatByte = 0xf9;

/**
 * The library decodes text leniently: malformed UTF-8 becomes U+FFFD and a leading byte order mark is lost, so two
 * different names could read alike. Text that is not plain ASCII is decoded again, strictly. An integer written as a
 * float would be a second encoding of the same number.
 */
class StrictTokenizer extends Tokenizer {
  #items = 0;

  override next(): ReturnType<Tokenizer['next']> {
    this.#items += 1;
    if (this.#items > maxCborItems) throw new RangeError('too many items');
    const start = this.pos();
    const token = super.next();
    const initial = this.data[start] ?? 0;
    if (initial >= firstFloatByte && Number.isSafeInteger(token.value)) throw new TypeError('an integer as a float');
    if (initial < firstTextByte || initial >= firstArrayByte) return token;
    const textStart = start + headBytes(initial);
    const text = token.value as string;
    const plainAscii = text.length === this.pos() - textStart && !text.includes('\uFFFD');
    if (!plainAscii) token.value = fromUtf8(this.data.subarray(textStart, this.pos()));
    return token;
  }
}

/** Bytes before the content of a string: RFC 8949 §3, by its additional information. */
function headBytes(initial: number): number {
  const additional = initial & 31;
  return additional < 24 ? 1 : 1 + 2 ** (additional - 24);
}
