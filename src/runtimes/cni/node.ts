/** The node as the plugin sees it: its operations, and the endpoint of an attachment. */
import type { EndpointRow } from '../../api/endpoint.js';
import type { OperationName, RequestOf, ResultOf } from '../../api/operations.js';
import type { CniConfig } from './config.js';
import type { Attachment } from './request.js';

/** Carries out an operation: in turn in an agent, or directly in a command. */
export type Ask = <Name extends OperationName>(
  name: Name,
  request: RequestOf<Name>,
) => Promise<ResultOf<Name>>;

/** What verbs use of the process that they run in. */
export interface Host {
  readonly ask: Ask;
}

/** An owner, as rows of endpoints name it. */
interface CniOwner extends Attachment {
  /** Name of the network configuration. */
  readonly config: string;
}

/** The endpoint of an attachment, whichever configuration added it. */
export async function endpointOf(
  { ask }: Host,
  { container, ifname }: Attachment,
): Promise<EndpointRow | undefined> {
  return (await ask('endpoints', {})).find((row) => {
    const owner = ownerOf(row);
    return owner?.container === container && owner.ifname === ifname;
  });
}

/** All endpoints that a configuration has added. */
export async function endpointsOfConfig(
  { ask }: Host,
  { name }: CniConfig,
): Promise<readonly Attachment[]> {
  return (await ask('endpoints', {})).flatMap((row) => {
    const owner = ownerOf(row);
    return owner !== undefined && owner.config === name ? [owner] : [];
  });
}

/** Remove the endpoint of an attachment. @returns whether there was one */
export async function detachAttachment(host: Host, attachment: Attachment): Promise<boolean> {
  const row = await endpointOf(host, attachment);
  if (row === undefined) return false;
  // The name of a namespace may have passed to another one: the owner decides.
  await host.ask('detach', { ns: row.ns, owner: row.owner });
  return true;
}

/** `cni/CONFIG/CONTAINER/IFNAME`: none of the parts may have a slash. */
function ownerOf({ owner }: EndpointRow): CniOwner | undefined {
  const [kind, config = '', container = '', ifname = ''] = owner.split('/');
  return kind === 'cni' ? { config, container, ifname } : undefined;
}
