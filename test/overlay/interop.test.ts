/** A kernel with vxlan and a bridge is a node like any other. */
import test from 'ava';
import { type Meeting, meet, titleOf } from './helpers/interop.js';

const MEETINGS: readonly Meeting[] = [
  { family: 4, underlay: 'gso', decap: 'tc', mtu: 1500, vxlan: 'noudpcsum' },
  { family: 4, underlay: 'wire', decap: 'tc', mtu: 1500, vxlan: 'noudpcsum' },
  { family: 4, underlay: 'wire', decap: 'tc-gro', mtu: 1500, vxlan: 'noudpcsum' },
  { family: 4, underlay: 'wire', decap: 'xdp', mtu: 1500, vxlan: 'noudpcsum' },
  { family: 4, underlay: 'gso', decap: 'tc', mtu: 9000, vxlan: 'noudpcsum' },
  { family: 4, underlay: 'wire', decap: 'xdp', mtu: 9000, vxlan: 'noudpcsum' },
];

for (const meeting of MEETINGS) {
  test.serial(`with a bridge and vxlan, ${titleOf(meeting)}`, (t) => meet(t, meeting));
}
