/** setuid, setgid and sticky. */
const specialBits = 0o7000;

/**
 * The mode that something gets here when the vault says `wanted` and it is `present` now (0 for what is new). Special bits are
 * never set by laying down: whoever may write to the vault could leave a program that runs with the rights of the person who
 * pulls it. Where a file has one already and the vault agrees, it stays.
 */
export function laidMode(wanted: number, present: number): number {
  return wanted & (0o777 | (present & specialBits));
}
