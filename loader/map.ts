export {
  type MapEntries,
  mapChunks,
  mapDeleteBatch,
  mapEntries,
  mapPutBatch,
  mapReadAll,
} from './map/batch.js';
export { mapDelete, mapGet, mapKeys, mapPut, type UpdateFlag } from './map/entry.js';
export {
  type BpfMap,
  closeMap,
  MAP_TYPE,
  type MapLayout,
  type MapSpec,
  mapCreate,
  mapFromFd,
  mapLayout,
  openPinnedMap,
  percpuStride,
} from './map/info.js';
export { getPinned, type PinKind, pin, unpin, withPinned } from './pin.js';
