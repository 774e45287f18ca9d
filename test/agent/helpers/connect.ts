/** `connect.js SOCKET [nobody]` requests the health of an agent and prints the first line, or the error. */
import { connect } from 'node:net';
import { errnoOfAny } from '../../../loader/errors.js';
import { becomeNobody } from '../../helpers/user.js';

const [path = '', user] = process.argv.slice(2);
if (user === 'nobody') becomeNobody();
const socket = connect({ path });
let text = '';
socket.on('connect', () =>
  socket.write('GET /v1/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'),
);
socket.on('data', (chunk) => {
  text += chunk.toString();
});
socket.on('error', (error) => {
  const errno = errnoOfAny(error) ?? String(error);
  // The connection is already closed.
  text ||= ['ECONNRESET', 'EPIPE'].includes(errno) ? '' : errno;
});
socket.on('close', () => process.stdout.write(text.split('\r\n')[0] || 'closed'));
