/** Numbers of the kinds of frames (PROTOCOL §Frame). Append-only. */
export const FrameKind = {
  request: 1,
  response: 2,
  error: 3,
  data: 4,
  end: 5,
  event: 6,
  cancel: 7,
  ping: 8,
  pong: 9,
  goAway: 10,
} as const;

export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

/** True for a kind that version 1 knows. */
export function isFrameKind(value: number): value is FrameKind {
  return value >= FrameKind.request && value <= FrameKind.goAway;
}

/** The name as the specification writes it. */
export function frameKindName(kind: FrameKind): string {
  return names[kind];
}

const names: Readonly<Record<FrameKind, string>> = {
  1: 'REQUEST',
  2: 'RESPONSE',
  3: 'ERROR',
  4: 'DATA',
  5: 'END',
  6: 'EVENT',
  7: 'CANCEL',
  8: 'PING',
  9: 'PONG',
  10: 'GOAWAY',
};
