/** What the first bytes of a file say of a picture that can be drawn; nothing of it is decoded. */
export interface PictureKind {
  readonly format: 'PNG' | 'JPEG';
  /** Undefined where they do not stand in these bytes. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
}

const pngStart = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Undefined for what is neither. */
export function pictureKind(bytes: Uint8Array): PictureKind | undefined {
  if (pngStart.every((byte, at) => bytes[at] === byte)) return { format: 'PNG', size: pngSize(bytes) };
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return { format: 'JPEG', size: jpegSize(bytes) };
  return undefined;
}

/** Of IHDR, which has to be the first chunk (PNG 3rd edition §11.2.1). */
function pngSize(bytes: Uint8Array): PictureKind['size'] {
  if (bytes.byteLength < 24) return undefined;
  const view = viewOf(bytes);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** Of the frame header, wherever it stands among the segments before it (ITU-T T.81 §B.2). */
function jpegSize(bytes: Uint8Array): PictureKind['size'] {
  const view = viewOf(bytes);
  for (let at = 2; at + 9 <= bytes.byteLength && bytes[at] === 0xff;) {
    const marker = bytes[at + 1] ?? 0;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
