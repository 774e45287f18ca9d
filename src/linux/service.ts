/** Notify the service manager of this process's status: sd_notify(3). */
import { sendUnixDatagram } from '../../loader/sys/datagram.js';

/** What a process tells the manager that started it. */
export interface Service {
  /** Send lines such as READY=1, STATUS=text. It is no error if the manager does not listen. */
  notify(...lines: readonly string[]): void;
  /** Interval in milliseconds in which the manager expects WATCHDOG=1; undefined if it does not. */
  readonly watchdog: number | undefined;
}

/**
 * The manager that the environment names (NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID), or else one that gets
 * nothing.
 */
export function serviceOf(env: Readonly<Record<string, string | undefined>>): Service {
  const { NOTIFY_SOCKET: socket = '', WATCHDOG_USEC: usec = '', WATCHDOG_PID: pid } = env;
  const isMine = pid === undefined || pid === '' || Number(pid) === process.pid;
  const milliseconds = Number(usec) / 1000;
  return {
    watchdog: isMine && milliseconds > 0 ? milliseconds : undefined,
    notify(...lines) {
      if (socket === '') return;
      try {
        sendUnixDatagram(socket, Buffer.from(lines.join('\n')));
      } catch {
        // It restarts, or its queue is full: the next notification will do.
      }
    },
  };
}
