/** The manager of services is told how this process is: sd_notify(3). */
import { sendUnixDatagram } from '../../loader/sys/datagram.js';

/** What a process says to the manager that started it. */
export interface Service {
  /** Send lines such as READY=1, STATUS=text. A manager that does not listen is no error. */
  notify(...lines: readonly string[]): void;
  /** Milliseconds in which the manager wants to hear WATCHDOG=1; undefined where it does not. */
  readonly watchdog: number | undefined;
}

/** The manager that the environment names (NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID); else nobody. */
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
        // It restarts, or its queue is full: the next word will do.
      }
    },
  };
}
