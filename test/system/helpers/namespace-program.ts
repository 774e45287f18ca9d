/**
 * The program that the tests run inside namespaces, because its sockets must be there:
 *
 * tcp-serve PORT BYTES accept one connection, send and receive at the same time
 * tcp-connect HOST PORT BYTES its other side
 * udp-echo PORT return every datagram
 * udp-ask HOST PORT SIZE... send one datagram of each size in turn
 *
 * It prints what it received as one line of JSON; BYTES and SIZE are without headers.
 */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, createServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { noise } from './payload.js';

function exchange(socket: Socket, bytes: number): void {
  const hash = createHash('sha256');
  let received = 0;
  socket.on('data', (chunk) => {
    received += chunk.length;
    hash.update(chunk);
  });
  socket.on('close', () => {
    process.stdout.write(`${JSON.stringify({ received, sha256: hash.digest('hex') })}\n`);
    process.exit(0);
  });
  Readable.from(noise(bytes)).pipe(socket);
}

function serve(port: number, bytes: number): void {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    server.close();
    exchange(socket, bytes);
  });
  server.listen(port, '::', () => process.stdout.write('listening\n'));
}

function echo(port: number): void {
  const socket = createSocket({ type: 'udp6', recvBufferSize: 1 << 20 });
  socket.on('message', (message, from) => socket.send(message, from.port, from.address));
  socket.bind(port, '::', () => process.stdout.write('listening\n'));
}

async function ask(host: string, port: number, sizes: readonly number[]): Promise<void> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  const wrong: number[] = [];
  for (const size of sizes) {
    const sent = Buffer.concat([...noise(size)]);
    const answer = new Promise<Buffer | undefined>((resolve) => {
      socket.once('message', resolve);
      setTimeout(() => resolve(undefined), 1000);
    });
    socket.send(sent, port, host);
    if ((await answer)?.equals(sent) !== true) wrong.push(size);
  }
  process.stdout.write(`${JSON.stringify({ asked: sizes.length, wrong })}\n`);
  process.exit(0);
}

const [mode, ...args] = process.argv.slice(2);
switch (mode) {
  case 'tcp-serve':
    serve(Number(args[0]), Number(args[1]));
    break;
  case 'tcp-connect': {
    const [host = '', port, bytes] = args;
    const socket = connect({ host, port: Number(port), allowHalfOpen: true });
    exchange(socket, Number(bytes));
    break;
  }
  case 'udp-echo':
    echo(Number(args[0]));
    break;
  case 'udp-ask':
    await ask(args[0] ?? '', Number(args[1]), args.slice(2).map(Number));
    break;
}
