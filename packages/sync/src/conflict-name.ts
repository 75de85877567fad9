import { fromEntryName } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';

/** Bytes of the longest name that filesystems and the vault take. */
const maxNameBytes = 255;

/**
 * `name (conflict, DEVICE, 2026-11-20 16.30.05).ext` in the local time of this machine (SYNC §Conflicts). `taken` says which
 * names cannot be used; a number is added until one is free. Cut so that it never exceeds 255 bytes.
 */
export function conflictName(
  name: ByteName,
  {
    device,
    atMs,
    taken,
  }: { readonly device: string; readonly atMs: number; readonly taken: (name: ByteName) => boolean },
): ByteName {
  const { stem, extension } = splitExtension(name);
  const label = `conflict, ${cleanDevice(device)}, ${localTime(atMs)}`;
  for (let number = 1; ; number += 1) {
    const suffix = ` (${label}${number === 1 ? '' : `, ${number}`})${extension}`;
    const candidate = cutStem(stem, maxNameBytes - suffix.length) + suffix;
    if (!taken(candidate)) return candidate;
  }
}

function splitExtension(name: ByteName): { stem: ByteName; extension: ByteName } {
  const dot = name.lastIndexOf('.');
  // A leading dot is no extension, and a very long "extension" is part of the name.
  if (dot <= 0 || name.length - dot > 32) return { stem: name, extension: '' };
  return { stem: name.slice(0, dot), extension: name.slice(dot) };
}

/** Cuts to a number of bytes, never inside a character of UTF-8. */
function cutStem(stem: ByteName, bytes: number): ByteName {
  if (stem.length <= bytes) return stem;
  let end = bytes;
  while (end > 0 && (stem.charCodeAt(end) & 0xc0) === 0x80) end -= 1;
  return stem.slice(0, end);
}

/** At most 64 bytes of a device's name that can stand in a file name on any system. */
function cleanDevice(device: string): ByteName {
  // oxlint-disable-next-line no-control-regex -- control characters are what is taken out
  const clean = device.replace(/[\u0000-\u001f\u007f-\u009f/\\:*?"<>|()\u202a-\u202e\u2066-\u2069]/g, '-').trim();
  return cutStem(fromEntryName(clean === '' ? 'device' : clean.toWellFormed()), 64);
}

function localTime(atMs: number): string {
  const at = new Date(atMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${date} ${two(at.getHours())}.${two(at.getMinutes())}.${two(at.getSeconds())}`;
}
