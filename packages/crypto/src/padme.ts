/**
 * Length to pad to (Padmé, PURBs §4): at most 12 % more for small inputs and 3 % from 1 MiB on, and only O(log log n) bits
 * of the length remain visible.
 */
export function padmeLength(bytes: number): number {
  if (bytes < 2) return bytes;
  const exponent = 31 - Math.clz32(bytes);
  const kept = 32 - Math.clz32(exponent);
  const step = 2 ** (exponent - kept);
  return step <= 1 ? bytes : Math.ceil(bytes / step) * step;
}
