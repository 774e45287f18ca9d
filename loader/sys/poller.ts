import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { check, libc } from '../libc.js';
import { struct } from '../struct.js';
import { closeFd } from './files.js';

/** A descriptor being waited for. */
export interface Watch {
  /** Ask for one more call of `onReady`; at once if the descriptor is readable now. */
  arm(): void;
  close(): void;
}

const EPOLL_CLOEXEC = 0o2000000;
const EPOLLIN = 1;
const EPOLLONESHOT = 1 << 30;
const EPOLLET = 0x80000000;
const EPOLL_CTL = { add: 1, remove: 2, change: 3 } as const;
const EFD_CLOEXEC_NONBLOCK = 0o2004000;
/** struct epoll_event is packed on x86-64 only. */
const EVENT = process.arch === 'x64' ? { size: 12, data: 4 } : { size: 16, data: 8 };
const MAX_EVENTS = 16;
/** Only limits how long a lost wake-up can last. */
const WAIT_MS = 1000;
/** Milliseconds after a wait that failed. */
const RETRY_MS = 10;

interface Poller {
  readonly epoll: number;
  readonly wake: number;
  readonly watched: Map<number, () => void>;
  readonly atExit: () => void;
  running: boolean;
}

let current: Poller | undefined;

/**
 * Wait for a descriptor without blocking the event loop. All watches of the process share one
 * epoll_wait on one thread of libuv's pool; the process stays alive while one is open.
 * @param fd pollable, open until the watch is closed
 * @param onReady called once after each {@link Watch.arm}, on the event loop
 */
export function watchReadable(fd: number, onReady: () => void): Watch {
  current ??= createPoller();
  const poller = current;
  try {
    control(poller, EPOLL_CTL.add, fd, 0);
  } catch (error) {
    if (poller.watched.size === 0 && !poller.running) dispose(poller);
    throw error;
  }
  poller.watched.set(fd, onReady);
  return {
    arm() {
      control(poller, EPOLL_CTL.change, fd, (EPOLLIN | EPOLLONESHOT) >>> 0);
      if (!poller.running) void run(poller);
    },
    close() {
      poller.watched.delete(fd);
      // A descriptor that was closed too early has left the set already: that is no error.
      libc.epoll_ctl(poller.epoll, EPOLL_CTL.remove, fd, new Uint8Array(EVENT.size));
      if (poller.watched.size > 0) return;
      if (poller.running) interrupt(poller);
      else dispose(poller);
    },
  };
}

function createPoller(): Poller {
  const epoll = check('epoll_create1', libc.epoll_create1(EPOLL_CLOEXEC));
  let wake = -1;
  try {
    wake = check('eventfd', libc.eventfd(0, EFD_CLOEXEC_NONBLOCK));
    // Edge-triggered, so that the eventfd need not be read back.
    control({ epoll }, EPOLL_CTL.add, wake, (EPOLLIN | EPOLLET) >>> 0);
  } catch (error) {
    closeFd(epoll);
    if (wake >= 0) closeFd(wake);
    throw error;
  }
  const poller: Poller = {
    epoll,
    wake,
    watched: new Map(),
    atExit: () => interrupt(poller),
    running: false,
  };
  // libuv joins its threads at exit and would wait for the one inside epoll_wait.
  process.once('exit', poller.atExit);
  return poller;
}

function dispose(poller: Poller): void {
  process.off('exit', poller.atExit);
  closeFd(poller.epoll);
  closeFd(poller.wake);
  if (current === poller) current = undefined;
}

function control(
  poller: Pick<Poller, 'epoll'>,
  operation: number,
  fd: number,
  events: number,
): void {
  const event = struct(EVENT.size).u32(0, events).u32(EVENT.data, fd);
  check('epoll_ctl', libc.epoll_ctl(poller.epoll, operation, fd, event.bytes));
}

function interrupt(poller: Poller): void {
  writeSync(poller.wake, new Uint8Array(new BigUint64Array([1n]).buffer));
}

async function run(poller: Poller): Promise<void> {
  poller.running = true;
  // A watch may be armed while this thread is in another network namespace: the pool's threads must not
  // start there.
  await null;
  const events = struct(EVENT.size * MAX_EVENTS);
  while (poller.watched.size > 0) {
    const count = await libc.later('epoll_wait', poller.epoll, events.bytes, MAX_EVENTS, WAIT_MS);
    // A signal, or no memory: the errno is on the other thread. Wait before the next attempt, so as not to
    // spin.
    if (count < 0) await sleep(RETRY_MS);
    for (let i = 0; i < count; i++) {
      callBack(poller.watched.get(events.getU32(i * EVENT.size + EVENT.data)));
    }
  }
  poller.running = false;
  dispose(poller);
}

/** An exception in a callback is reported as uncaught, and must not silence the other watches. */
function callBack(onReady: (() => void) | undefined): void {
  try {
    onReady?.();
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
  }
}
