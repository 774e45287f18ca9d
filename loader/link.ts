export {
  attachTcx,
  attachXdp,
  type Direction,
  detachLink,
  type LinkInfo,
  linkInfo,
  openLinkById,
  openPinnedLink,
  type TcxPosition,
  updateLink,
  type XdpMode,
} from './link/attach.js';
export {
  type TcAttached,
  type TcFilter,
  type TcListed,
  tcAttach,
  tcDetach,
  tcFilters,
  tcQuery,
} from './link/clsact.js';
export { queryTcx, queryXdp, type TcxEntry } from './link/query.js';
export { pin as pinLink } from './pin.js';
