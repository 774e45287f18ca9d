/** DEL and GC: remove what ADD made, whatever is left of it. */
import type { CniConfig } from './config.js';
import { delegate } from './ipam.js';
import { detachAttachment, endpointsOfConfig, type Host } from './node.js';
import { cniError, cniFailureOf } from './protocol.js';
import { attachmentOf, type CniRequest } from './request.js';

/** Safe to repeat, also for what was never added. @throws the first error, after all has been tried */
export async function del(host: Host, request: CniRequest): Promise<void> {
  const attachment = attachmentOf(request.call);
  await all([() => delegate(request, 'DEL'), () => detachAttachment(host, attachment)]);
}

/**
 * Remove the attachments of this configuration that the runtime does not know. A runtime that says nothing
 * about valid attachments means none of them.
 * @throws the first error, after all has been tried
 */
export async function gc(host: Host, request: CniRequest): Promise<void> {
  const valid = validAttachments(request.config);
  if (valid === undefined) return;
  const known = new Set(valid.map(({ containerID, ifname }) => `${containerID}/${ifname}`));
  const stale = (await endpointsOfConfig(host, request.config)).filter(
    ({ container, ifname }) => !known.has(`${container}/${ifname}`),
  );
  await all([
    ...stale.map((each) => () => detachAttachment(host, each)),
    () => delegate(request, 'GC'),
  ]);
}

/** libcni sends both members, and null in one that it has nothing for: null says nothing, [] says none. */
function validAttachments(config: CniConfig) {
  return config['cni.dev/valid-attachments'] ?? config['cni.dev/attachments'] ?? undefined;
}

async function all(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  const [first, ...others] = errors.map(cniFailureOf);
  if (first === undefined) return;
  const details = [first.details ?? '', ...others.map(({ msg }) => msg)];
  throw cniError(first.code, first.msg, details.filter((each) => each !== '').join('; '));
}
