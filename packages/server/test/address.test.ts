import { expect, test } from '@jest/globals';
import { limitedAddress, siteOf } from '../src/net/address.ts';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:DB8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('%s counts as %s', (address, counted) => {
  expect(limitedAddress(address)).toBe(counted);
});

test('whoever has a /48 is one asker, and an IPv4 address is itself', () => {
  expect(siteOf(limitedAddress('2001:db8:1:2::9'))).toBe('2001:db8:1::/48');
  expect(siteOf(limitedAddress('2001:db8:1:ffff::9'))).toBe('2001:db8:1::/48');
  expect(siteOf(limitedAddress('192.0.2.7'))).toBe('192.0.2.7');
});
