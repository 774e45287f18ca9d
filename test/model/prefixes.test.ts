/** The datapath's entries for the sources that an endpoint may use. */
import test from 'ava';
import { bytes16ToIp } from '../../src/model/address/ip.js';
import { prefixEntries } from '../../src/model/desired/prefixes.js';
import { decodeKey, decodeValue } from '../../src/model/desired/table-entry.js';
import { attach, withNetworks } from './helpers.js';

const base = withNetworks({ name: 'default', subnets: ['10.201.0.0/16', 'fd00:c9::/64'] });

/** Length and address of each entry, and whether it allows or denies. */
function told(...allowPrefixes: string[]): [number, string, boolean][] {
  const { endpoint } = attach(base, 1, { allowPrefixes });
  return prefixEntries(endpoint).map(({ key, value }) => {
    const { prefixlen, endpoint: of, ip } = decodeKey('prefix', key);
    return [prefixlen - 32, bytes16ToIp(ip), decodeValue('prefix', value).endpoint === of];
  });
}

test('a prefix of IPv6 allows no IPv4, whose form in the table may be a part of it', (t) => {
  const nobody = [96, '0.0.0.0', false] as const;
  t.deepEqual(told('fd50::/16'), [[16, 'fd50::', true]]);
  t.deepEqual(told('::/0'), [[0, '::', true], [...nobody]]);
  t.deepEqual(told('::fffe:0:0/95'), [[95, '::fffe:0:0', true], [...nobody]]);
  t.deepEqual(told('::/0', '10.0.0.0/8'), [[104, '10.0.0.0', true], [0, '::', true], [...nobody]]);
  t.deepEqual(told('::/0', '0.0.0.0/0'), [
    [96, '0.0.0.0', true],
    [0, '::', true],
  ]);
});
