/** One thing that was done to the disk, in order. */
export type DiskEvent =
  | { readonly type: 'create' | 'sync' | 'remove' | 'makeFolder' | 'syncFolder'; readonly path: string }
  | { readonly type: 'write'; readonly path: string; readonly position: number; readonly bytes: Uint8Array }
  | { readonly type: 'truncate'; readonly path: string; readonly bytes: number };

/** The content of a file after an event. */
export function applyEvent(content: Uint8Array, event: DiskEvent): Uint8Array {
  if (event.type === 'truncate') return resized(content, event.bytes);
  if (event.type !== 'write') return content;
  const end = event.position + event.bytes.byteLength;
  const next = resized(content, Math.max(content.byteLength, end));
  next.set(event.bytes, event.position);
  return next;
}

function resized(content: Uint8Array, bytes: number): Uint8Array {
  const next = new Uint8Array(bytes);
  next.set(content.subarray(0, bytes));
  return next;
}
