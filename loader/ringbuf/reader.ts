import { DpctlError, kernelError } from '../errors.js';
import { ffi, type Pointer } from '../ffi/seam.js';
import { lastErrno, libc } from '../libc.js';
import { type BpfMap, MAP_TYPE } from '../map/info.js';
import { pageSize } from '../sys/machine.js';
import { type Watch, watchReadable } from '../sys/poller.js';

/** An open reader. */
export interface RingbufReader {
  /** Stop, at once and for good. Records not read yet stay for the next reader. */
  close(): void;
}

/** How to read. */
export interface RingbufOptions {
  /** Records handled before the event loop gets its turn; 2048 if not set, some 2 ms. */
  readonly maxPerTurn?: number;
}

const HEADER = 8;
/** Header bits of a record still being written, and of one given up (linux/bpf.h). */
const BUSY = 0x80000000;
const DISCARDED = 0x40000000;
const LENGTH_MASK = 0x3fffffff;

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_FAILED = 0xffffffffffffffffn;

/**
 * Read a BPF ring buffer as records arrive. The pages are mapped and parsed here: a callback from
 * C for each record blocks the event loop and was seen to lose records. One reader a map; the map
 * must stay open, and the process stays alive, until it is closed.
 * @param onRecord gets a copy of each record, in order; what it throws is an uncaught exception
 * @throws DpctlError MAP_TYPE (exit 70), KERNEL_EPERM from mmap
 */
export function openRingbuf(
  map: BpfMap,
  onRecord: (data: Uint8Array) => void,
  options: RingbufOptions = {},
): RingbufReader {
  if (map.type !== MAP_TYPE.ringbuf) {
    throw new DpctlError('MAP_TYPE', `map ${map.name} is not a ring buffer`, {
      exitCode: 70,
      details: { map: map.name, type: map.type },
    });
  }
  const maxPerTurn = options.maxPerTurn ?? 2048;
  const ring = mapRing(map);
  let closed = false;

  // Drain for a bounded number of records, then yield; only an empty ring goes back to waiting.
  const turn = () => {
    if (closed) return;
    let more = true;
    try {
      more = ring.read(maxPerTurn, (data) => {
        onRecord(data);
        return !closed;
      });
    } finally {
      if (!closed) {
        if (more) setImmediate(turn);
        else watch.arm();
      }
    }
  };
  let watch: Watch;
  try {
    watch = watchReadable(map.fd, turn);
  } catch (error) {
    ring.unmap();
    throw error;
  }
  try {
    watch.arm();
  } catch (error) {
    closed = true;
    watch.close();
    ring.unmap();
    throw error;
  }
  return {
    close() {
      if (closed) return;
      closed = true;
      watch.close();
      // read() may be on the stack, with this call made by its callback: unmap after it returns.
      setImmediate(ring.unmap);
    },
  };
}

interface Ring {
  /**
   * @param onRecord returns whether to go on
   * @returns false when the ring is empty or its next record is still being written
   */
  read(limit: number, onRecord: (data: Uint8Array) => boolean): boolean;
  unmap(): void;
}

function mapRing(map: BpfMap): Ring {
  const page = pageSize();
  const size = map.maxEntries;
  const mask = size - 1;
  const consumerAt = mmap(map, page, PROT_READ | PROT_WRITE, 0);
  let producerAt: Pointer;
  try {
    // The data pages are there twice in a row, so that no record is ever split.
    producerAt = mmap(map, page + 2 * size, PROT_READ, page);
  } catch (error) {
    libc.munmap(consumerAt, page);
    throw error;
  }
  const consumerPage = ffi().view(consumerAt, page);
  const producerPages = ffi().view(producerAt, page + 2 * size);
  const consumer = new BigUint64Array(consumerPage.buffer, consumerPage.byteOffset, 1);
  const producer = new BigUint64Array(producerPages.buffer, producerPages.byteOffset, 1);
  const dataOffset = producerPages.byteOffset + page;
  const headers = new Uint32Array(producerPages.buffer, dataOffset, (2 * size) / 4);
  let position = Number(Atomics.load(consumer, 0));

  return {
    read(limit, onRecord) {
      const start = position;
      // Atomics, because the other side is the kernel on another CPU: data after position, and
      // the record's bytes after its header.
      let available = Number(Atomics.load(producer, 0));
      try {
        for (let handled = 0; handled < limit; handled++) {
          if (position >= available) {
            available = Number(Atomics.load(producer, 0));
            if (position >= available) return false;
          }
          const at = position & mask;
          const header = Atomics.load(headers, at >>> 2);
          if (header & BUSY) return false;
          const length = header & LENGTH_MASK;
          position += (HEADER + length + 7) & ~7;
          if (header & DISCARDED) continue;
          const from = dataOffset + at + HEADER;
          if (!onRecord(new Uint8Array(producerPages.buffer.slice(from, from + length)))) break;
        }
        return true;
      } finally {
        // Once a turn: the kernel wakes a reader whose position is exactly the new record's.
        if (position !== start) Atomics.store(consumer, 0, BigInt(position));
      }
    },
    unmap() {
      libc.munmap(producerAt, page + 2 * size);
      libc.munmap(consumerAt, page);
    },
  };
}

function mmap(map: BpfMap, length: number, protection: number, offset: number): Pointer {
  const pointer = libc.mmap(null, length, protection, MAP_SHARED, map.fd, offset);
  if (pointer === MAP_FAILED) throw kernelError(`mmap ${map.name}`, lastErrno());
  return pointer;
}
