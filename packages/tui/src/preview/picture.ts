/** Pixels of a picture, scaled down; three bytes each, row by row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
  /** As the file has it. */
  readonly full: { readonly width: number; readonly height: number };
}

/** Of a decoded picture: bytes of every pixel, row by row. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  readonly data: Uint8Array;
}

/** Larger files are not fetched and decoded for a preview. */
export const maxPictureBytes = 16 * 1024 * 1024;
/** A photo of a good camera; decoded it takes some hundred MiB for a second. */
export const maxPixels = 24_000_000;
/** Of the longer side: twice as many as a wide pane has columns. */
const drawnPixels = 200;

/** Each pixel the mean of those that it stands for; what is transparent is dark. */
export function scaledDown({ width, height, channels, data }: Pixels): Picture {
  const scale = Math.min(1, drawnPixels / Math.max(width, height));
  const columns = Math.max(1, Math.round(width * scale));
  const rows = Math.max(1, Math.round(height * scale));
  const rgb = new Uint8Array(columns * rows * 3);
  for (let row = 0; row < rows; row += 1) {
    const [top, bottom] = rangeOf(row, rows, height);
    for (let column = 0; column < columns; column += 1) {
      const [left, right] = rangeOf(column, columns, width);
      const sums = [0, 0, 0];
      for (let y = top; y < bottom; y += 1)
        for (let x = left; x < right; x += 1) {
          const at = (y * width + x) * channels;
          const opacity = channels === 4 ? (data[at + 3] ?? 0) / 255 : 1;
          for (let part = 0; part < 3; part += 1) sums[part] = (sums[part] ?? 0) + (data[at + part] ?? 0) * opacity;
        }
      const pixels = (bottom - top) * (right - left);
      rgb.set(
        sums.map((sum) => Math.round(sum / pixels)),
        (row * columns + column) * 3,
      );
    }
  }
  return { width: columns, height: rows, rgb, full: { width, height } };
}

function rangeOf(at: number, parts: number, length: number): readonly [number, number] {
  const from = Math.floor((at * length) / parts);
  return [from, Math.max(from + 1, Math.floor(((at + 1) * length) / parts))];
}
