import { check, libc } from '../libc.js';
import { struct } from '../struct.js';
import { withFd } from './files.js';
import { socketFd } from './socket.js';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** sizeof(struct sockaddr_un): two bytes of the family, then the path. */
const SOCKADDR_SIZE = 110;
const FAMILY_SIZE = 2;

/**
 * Send one datagram to a Unix socket, which Node cannot.
 * @param path of the socket; a leading `@` stands for the NUL byte of an abstract address
 * @throws DpctlError KERNEL_ENOENT, KERNEL_ECONNREFUSED and the like; KERNEL_EAGAIN when its queue is full
 * @throws RangeError for a path that is longer than addresses are
 */
export function sendUnixDatagram(path: string, data: Uint8Array): void {
  const name = Buffer.from(path.replace(/^@/, '\0'));
  if (name.length >= SOCKADDR_SIZE - FAMILY_SIZE) {
    throw new RangeError(`a Unix socket's path has ${name.length} bytes`);
  }
  const address = struct(SOCKADDR_SIZE).u32(0, AF_UNIX);
  address.bytes.set(name, FAMILY_SIZE);
  // An abstract address is as long as its name; a path has a NUL at its end.
  const length = FAMILY_SIZE + name.length + (path.startsWith('@') ? 0 : 1);
  withFd(socketFd(AF_UNIX, SOCK_DGRAM, 0), (fd) => {
    check(`connect ${path}`, libc.connect(fd, address.bytes, length));
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    check(`send ${path}`, Number(libc.send(fd, data, data.byteLength, flags)));
  });
}
