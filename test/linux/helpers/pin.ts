/**
 * Run as a separate program in the mount namespace of `ip netns exec`: pin.js DIR. Mounts a BPF file system
 * at DIR, pins a map there, and prints what it sees as JSON.
 */

import { mapPut } from '../../../loader/map/entry.js';
import { closeMap, mapCreate } from '../../../loader/map/info.js';
import { pin } from '../../../loader/pin.js';
import { bindNetns, ensureBpffs, isBpffs } from '../../../src/linux/bpffs.js';
import { hostPath, hostRoot } from '../../../src/linux/mountns.js';
import { closeNetns, openOwnNetns } from '../../../src/linux/netns.js';

const BPF_MAP_TYPE_HASH = 1;
const [dir = ''] = process.argv.slice(2);
const root = hostRoot();
const mounted = await ensureBpffs(dir);
const again = await ensureBpffs(dir);
const map = mapCreate({
  type: BPF_MAP_TYPE_HASH,
  name: 'dpk_pin',
  keySize: 4,
  valueSize: 4,
  maxEntries: 4,
  flags: 0,
});
mapPut(map, Uint8Array.of(1, 0, 0, 0), Uint8Array.of(42, 0, 0, 0));
pin(map.fd, `${hostPath(dir)}/map`);
closeMap(map);
const own = openOwnNetns();
const bound = await bindNetns(own.fd, `${dir}.ns`);
closeNetns(own);
console.log(JSON.stringify({ root, mounted, again, bound, isBpffs: isBpffs(dir) }));
