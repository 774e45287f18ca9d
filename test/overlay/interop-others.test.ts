/** The same on IPv6, and with a peer that fills in the checksum that dpctl leaves out. */
import test from 'ava';
import { type Meeting, meet, titleOf } from './helpers/interop.js';

const MEETINGS: readonly Meeting[] = [
  { family: 6, underlay: 'gso', decap: 'tc', mtu: 1500, vxlan: '' },
  { family: 6, underlay: 'wire', decap: 'tc-gro', mtu: 1500, vxlan: '' },
  { family: 6, underlay: 'wire', decap: 'xdp', mtu: 1500, vxlan: '' },
  { family: 4, underlay: 'gso', decap: 'tc', mtu: 1500, vxlan: 'udpcsum' },
  { family: 4, underlay: 'wire', decap: 'tc', mtu: 1500, vxlan: 'udpcsum' },
  { family: 4, underlay: 'wire', decap: 'tc-gro', mtu: 1500, vxlan: 'udpcsum' },
  { family: 4, underlay: 'wire', decap: 'xdp', mtu: 1500, vxlan: 'udpcsum' },
];

for (const meeting of MEETINGS) {
  test.serial(`with a bridge and vxlan, ${titleOf(meeting)}`, (t) => meet(t, meeting));
}
