/** The programs of the datapath: where they are attached and what they cost. */
import { exceptFor } from '../../../loader/errors.js';
import { openProgramById, programInfo } from '../../../loader/program.js';
import { closeFd } from '../../../loader/sys/files.js';
import type { ProgramRow } from '../../api/dump.js';
import type { Node } from '../../control/node/node.js';
import { hostPins } from '../../control/node/node.js';
import { foreignFilters, hookOf } from '../../datapath/hook.js';
import { getRaw } from '../../datapath/tables.js';
import { overlayDevices } from '../../datapath/underlay/device.js';
import { overlayPrograms } from '../../datapath/underlay/hook.js';
import { linkGet } from '../../linux/netlink/link.js';
import type { OverlayProgram } from '../../model/desired/overlay.js';
import { tableKey } from '../../model/desired/table-entry.js';
import type { Names } from './names.js';
import { decodeKey, decodeValue, entriesOf } from './tables.js';

/** dpctl's programs, and others' programs on the same devices. */
export function* programRows(node: Node, names: Names): Generator<ProgramRow> {
  for (const table of ['endpoint', 'endpointx'] as const) {
    for (const [key, value] of entriesOf(node, table)) {
      const ifindex = decodeKey(table, key);
      const { id } = decodeValue(table, value);
      const where = { ifname: names.hostIfname(id), ifindex, ns: names.ns(id) };
      const hook = hookOf(hostPins(node), node.netnsFd(), id, ifindex);
      if (hook !== undefined) {
        yield { ...where, owner: 'dpctl', hook: hook.hook, ...programFacts(hook.programId) };
      }
      for (const { name, where: place } of others(node, ifindex, hook?.programId ?? 0)) {
        yield { ...where, owner: 'other', hook: place, ...NO_FACTS, name };
      }
    }
  }
  yield* overlayRows(node);
}

/** The overlay's programs, and others' programs on the underlay's device; they belong to no namespace. */
function* overlayRows(node: Node): Generator<ProgramRow> {
  const bytes = getRaw(node.tables(), 'underlay', tableKey('underlay', 0));
  if (bytes === undefined) return;
  const { ifindex, replicator } = decodeValue('underlay', bytes);
  const places = new Map<OverlayProgram, number>([
    ['replicate', replicator],
    ['anchor', overlayDevices(node.rtnl(), node.netnsFd()).get('anchor')?.ifindex ?? 0],
    ['underlay', ifindex],
  ]);
  const found = overlayPrograms(hostPins(node), node.netnsFd(), node.rtnl(), places);
  const where = (at: number) => ({
    // A link whose device was deleted has ifindex 0.
    ifname: at === 0 ? '' : (linkGet(node.rtnl(), { ifindex: at })?.name ?? ''),
    ifindex: at,
    ns: '',
  });
  for (const { hook, ifindex: at, programId } of found.values()) {
    yield { ...where(at), owner: 'dpctl', hook, ...programFacts(programId) };
  }
  for (const { name, where: hook } of others(
    node,
    ifindex,
    found.get('underlay')?.programId ?? 0,
  )) {
    yield { ...where(ifindex), owner: 'other', hook, ...NO_FACTS, name };
  }
}

const NO_FACTS = { name: '', id: 0, tag: '', run_count: 0, run_ns: 0, jited: 0 };

const GONE = ['ENODEV', 'ENOENT', 'EINVAL'] as const;

/** A device may be gone before its entry. */
function others(node: Node, ifindex: number, own: number): ReturnType<typeof foreignFilters> {
  return exceptFor(GONE, () => node.within(() => foreignFilters(ifindex, own)), []);
}

function programFacts(id: number): typeof NO_FACTS {
  const program = openProgramById(id);
  if (program === undefined) return { ...NO_FACTS, id };
  try {
    const info = programInfo(program.fd);
    return {
      name: info.name,
      id,
      tag: info.tag,
      run_count: Number(info.runCount),
      run_ns: Number(info.runTimeNs),
      jited: info.jitedLength,
    };
  } finally {
    closeFd(program.fd);
  }
}
