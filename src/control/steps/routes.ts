/** route.add and route.delete: default routes inside, beside any that others have set. */
import { exceptFor } from '../../../loader/errors.js';
import { routeAdd as addRoute, routeDelete as deleteRoute } from '../../linux/netlink/route.js';
import { bareAddress } from '../../model/desired/desired.js';
import { routeMetric, type StepOf } from '../../model/plan/plan.js';
import type { Endpoint } from '../../model/state/state.js';
import { requireInner, withEndpointRtnl } from '../endpoint/namespace.js';
import type { Node } from '../node/node.js';
import { endpointSubject, type StepActions, type StepText } from './actions.js';

type RouteStep = StepOf<'route.add' | 'route.delete'>;

/** Add one of dpctl's default routes. */
export const routeAdd: StepActions<RouteStep> = { execute: add, undo: remove, describe };

/** Delete one of dpctl's default routes. */
export const routeDelete: StepActions<RouteStep> = { execute: remove, undo: add, describe };

function describe({ endpoint, gateway }: RouteStep): StepText {
  return {
    subject: endpointSubject(endpoint),
    detail: `default via ${bareAddress(gateway)}`,
  };
}

function add(node: Node, { endpoint, gateway }: RouteStep): void {
  withEndpointRtnl(node, endpoint, (rtnl) => {
    addRoute(rtnl, routeOf(endpoint, gateway, requireInner(rtnl, endpoint)));
  });
}

function remove(node: Node, { endpoint, gateway }: RouteStep): void {
  withEndpointRtnl(node, endpoint, (rtnl) => {
    const route = routeOf(endpoint, gateway, requireInner(rtnl, endpoint));
    // Another process may have deleted it already.
    exceptFor(['ESRCH'], () => deleteRoute(rtnl, route), undefined);
  });
}

function routeOf(endpoint: Endpoint, gateway: string, ifindex: number) {
  return { dst: 'default', gateway, ifindex, metric: routeMetric(endpoint) };
}
