export {
  BPFFS_MAGIC,
  closeFd,
  closingAfter,
  flock,
  fsyncDir,
  isBpffs,
  isNsfs,
  MNT_DETACH,
  MS,
  mount,
  NSFS_MAGIC,
  openFd,
  statfsType,
  umount,
  withFd,
} from './sys/files.js';
export { clockTickHz, pageSize, possibleCpus } from './sys/machine.js';
export {
  CLONE_NEWNET,
  createNetns,
  inNetns,
  netnsCookie,
  newNetns,
  removeNetns,
  setns,
} from './sys/netns.js';
export {
  ioctl,
  ioctlEthtool,
  type NetlinkSocket,
  netlinkSocket,
  openNetlink,
  setSocketInt,
  socketFd,
} from './sys/socket.js';
