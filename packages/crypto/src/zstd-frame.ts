/** `28 b5 2f fd`, little-endian (RFC 8878 §3.1.1). */
const magic = 0xfd2fb528;

/**
 * True when `bytes` are exactly one zstd frame without a dictionary, by their lengths alone (RFC 8878 §3.1.1). Node's decoder goes
 * on into further frames, skips skippable ones and ignores what it does not know: one content must have no two chunks that differ
 * in what nobody looks at.
 */
export function isOneZstdFrame(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 6 || view.getUint32(0, true) !== magic) return false;
  const descriptor = bytes[4]!;
  if (descriptor & (dictionaryBits | reservedBit)) return false;
  const blocksEnd = endOfBlocks(view, 5 + frameHeaderBytes(descriptor));
  return blocksEnd !== undefined && blocksEnd + (descriptor & checksumBit ? 4 : 0) === bytes.byteLength;
}

const dictionaryBits = 0b11;
const checksumBit = 1 << 2;
const reservedBit = 1 << 3;
const singleSegmentBit = 1 << 5;

/** Window descriptor and content size; the descriptor byte says which are there. */
function frameHeaderBytes(descriptor: number): number {
  const sizeFlag = descriptor >> 6;
  if (descriptor & singleSegmentBit) return 2 ** sizeFlag;
  return 1 + (sizeFlag === 0 ? 0 : 2 ** sizeFlag);
}

const blockHeadBytes = 3;
const blockTypes = { raw: 0, repeated: 1, compressed: 2, reserved: 3 } as const;

function endOfBlocks(view: DataView, start: number): number | undefined {
  for (let at = start; at + blockHeadBytes <= view.byteLength;) {
    const head = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    const type = (head >> 1) & 0b11;
    if (type === blockTypes.reserved) return undefined;
    at += blockHeadBytes + (type === blockTypes.repeated ? 1 : head >> 3);
    if (head & 1) return at;
  }
  return undefined;
}
