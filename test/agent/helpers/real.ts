/** The agent of the built command line, in the mount namespace of the test: commands ask it there. */
import { connect } from 'node:net';
import type { ExecutionContext } from 'ava';
import { DPCTL } from '../../system/helpers/lab.js';
import { eventually, type Running, start } from '../../system/helpers/process.js';
import type { World } from './world.js';

/** Whether something accepts connections at a socket. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const settle = (yes: boolean): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.on('connect', () => settle(true));
    socket.on('error', () => settle(false));
  });
}

/** Start `dpctl agent` on a node that is in use, and wait until its API answers, or it has ended. */
export async function startReal(
  t: Pick<ExecutionContext, 'teardown'>,
  { node, root, socket }: World,
): Promise<Running> {
  const enter = ['nsenter', `--net=/run/netns/${node}`, process.execPath, DPCTL];
  const words = ['--root', root, 'agent', '--interval', '1h', '--log-format', 'json'];
  const agent = start(t, '', [...enter, ...words]);
  const isOver = (): boolean => agent.output().code !== -1;
  await eventually(async () => isOver() || (await answers(socket)), 30_000, 10);
  return agent;
}
