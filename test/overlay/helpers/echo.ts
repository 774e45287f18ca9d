/**
 * Run as a separate program in two namespaces:
 *
 * echo server PORT prints `ready`, and returns whatever it receives, by UDP and TCP
 * echo client ADDRESS PORT MTU sends messages that make packets of MTU - 60 to MTU + 60 bytes,
 * and TCP bursts of eight times as much; all must come back
 * unchanged. Prints their number, or the error.
 */
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

const SPREAD = 60;
const TRAIN = 8;
/** Nothing may be lost, so nothing is sent twice. */
const PATIENCE_MS = 2000;

const [role, ...args] = process.argv.slice(2);
if (role === 'server') await serve(Number(args[0]));
else await ask(args[0] ?? '', Number(args[1]), Number(args[2]));

async function serve(port: number): Promise<void> {
  const datagrams = createSocket({ type: 'udp6', recvBufferSize: 1 << 20 });
  datagrams.on('message', (message, from) => datagrams.send(message, from.port, from.address));
  datagrams.bind(port, '::');
  await once(datagrams, 'listening');
  const server = createServer({ noDelay: true }, (socket) => {
    socket.pipe(socket);
    socket.on('error', () => {});
  });
  server.listen(port, '::');
  await once(server, 'listening');
  process.stdout.write('ready\n');
}

async function ask(address: string, port: number, mtu: number): Promise<void> {
  const headers = address.includes(':') ? 40 : 20;
  const datagrams = createSocket({
    type: address.includes(':') ? 'udp6' : 'udp4',
    recvBufferSize: 1 << 20,
  });
  const stream = connect({ host: address, port, noDelay: true });
  await once(stream, 'connect');
  let messages = 0;
  for (let size = mtu - SPREAD; size <= mtu + SPREAD; size++) {
    await echoed(`UDP, ${size} bytes`, pattern(size - headers - 8), (data) =>
      overDatagrams(datagrams, data, port, address),
    );
    // TCP has a time stamp in each segment.
    for (const length of [size - headers - 32, TRAIN * (size - headers - 32)]) {
      await echoed(`TCP, ${length} bytes`, pattern(length), (data) => overStream(stream, data));
    }
    messages += 3;
  }
  stream.destroy();
  datagrams.close();
  process.stdout.write(`${messages}\n`);
}

async function echoed(
  what: string,
  data: Buffer,
  exchange: (data: Buffer) => Promise<Buffer>,
): Promise<void> {
  const back = await exchange(data).catch((error: unknown) => String(error));
  if (back instanceof Buffer && back.equals(data)) return;
  process.stdout.write(`${what}: ${back instanceof Buffer ? 'other bytes came back' : back}\n`);
  process.exit(1);
}

/** Bytes that repeat nowhere for long, and differ with the length. */
function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = length;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

async function overDatagrams(socket: Datagrams, data: Buffer, port: number, address: string) {
  const answer = once(socket, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) });
  socket.send(data, port, address);
  const [message] = (await answer) as [Buffer];
  return message;
}

async function overStream(socket: Socket, data: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  socket.write(data);
  while (length < data.length) {
    const [chunk] = (await once(socket, 'data', { signal: AbortSignal.timeout(PATIENCE_MS) })) as [
      Buffer,
    ];
    chunks.push(chunk);
    length += chunk.length;
  }
  return Buffer.concat(chunks);
}
