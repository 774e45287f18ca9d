/**
 * Namespaces that a plan makes. They exist, without a name, before the requested state is saved: so the
 * record holds their cookies, not only their names.
 */
import { closeFd } from '../../../loader/sys/files.js';
import { makeNetns } from '../../linux/netns-make.js';
import type { Step } from '../../model/plan/plan.js';
import type { Endpoint, State } from '../../model/state/state.js';
import type { Work } from '../change/apply.js';

/**
 * Make the namespaces of a plan and run a section.
 * @param section gets the work with their cookies, and their descriptors by path; namespaces still without a
 *   name when it ends are freed
 * @throws DpctlError NETNS_CREATE, exit 2; what the section throws
 */
export async function withNewNamespaces<T>(
  work: Work,
  section: (work: Work, namespaces: ReadonlyMap<string, number>) => Promise<T>,
): Promise<T> {
  const namespaces = new Map<string, number>();
  const cookies = new Map<string, string>();
  try {
    for (const step of work.steps) {
      if (step.op !== 'netns.create' || cookies.has(step.endpoint.namespace.path)) continue;
      const { fd, cookie } = makeNetns();
      namespaces.set(step.endpoint.namespace.path, fd);
      cookies.set(step.endpoint.namespace.path, String(cookie));
    }
    return await section(cookies.size === 0 ? work : known(work, cookies), namespaces);
  } finally {
    for (const fd of namespaces.values()) closeFd(fd);
  }
}

function known(work: Work, cookies: ReadonlyMap<string, string>): Work {
  return {
    ...work,
    after: withEndpoints(work.after, (endpoint) => identified(endpoint, cookies, true)),
    settled: withEndpoints(work.settled, (endpoint) => identified(endpoint, cookies, false)),
    steps: createdOnce(work.steps).map((step) => stepOf(step, cookies)),
  };
}

function withEndpoints(state: State, change: (endpoint: Endpoint) => Endpoint): State {
  return { ...state, endpoints: state.endpoints.map(change) };
}

function identified(
  endpoint: Endpoint,
  cookies: ReadonlyMap<string, string>,
  pending: boolean,
): Endpoint {
  const { pending: _, ...namespace } = endpoint.namespace;
  const cookie = namespace.created ? cookies.get(namespace.path) : undefined;
  if (cookie === undefined) return endpoint;
  return { ...endpoint, namespace: { ...namespace, cookie, ...(pending && { pending }) } };
}

/** Several endpoints in one namespace each plan to make it. */
function createdOnce(steps: readonly Step[]): Step[] {
  const seen = new Set<string>();
  return steps.filter((step) => {
    if (step.op !== 'netns.create') return true;
    const { path } = step.endpoint.namespace;
    const isFirst = !seen.has(path);
    seen.add(path);
    return isFirst;
  });
}

function stepOf(step: Step, cookies: ReadonlyMap<string, string>): Step {
  if ('port' in step) {
    const endpoint = identified(step.port.endpoint, cookies, true);
    return { ...step, port: { ...step.port, endpoint } } as Step;
  }
  if ('endpoint' in step && step.endpoint !== undefined) {
    return { ...step, endpoint: identified(step.endpoint, cookies, true) } as Step;
  }
  return step;
}
