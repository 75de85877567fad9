/**
 * The address that limits are counted by: IPv4 as it is (also when mapped into IPv6), IPv6 by its /64, since one
 * subscriber commonly owns that many addresses.
 */
export function limitedAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  return address.includes(':') ? networkOf(address) : address;
}

/** The network of a {@link limitedAddress}: an IPv6 site commonly owns a /48, and could ask as 65,536 others from it. */
export function siteOf(limited: string): string {
  return limited.includes(':') ? `${limited.split(':').slice(0, 3).join(':')}::/48` : limited;
}

function networkOf(address: string): string {
  const [head = '', tail] = (address.split('%')[0] ?? '').toLowerCase().split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  const groups = [...first, ...Array.from({ length: zeros }, () => '0'), ...last];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
