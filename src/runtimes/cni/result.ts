/**
 * Results, kept as version 1.1.0 has them and written as the caller's version does.
 *
 * Source: CNI specification 1.1.0, section 5; 0.4.0, "Result" (the `version` of an address).
 */
import { atLeast, type Version } from './protocol.js';

export interface CniInterface {
  readonly name: string;
  readonly mac?: string;
  /** Since 1.1.0. */
  readonly mtu?: number;
  /** Path of the namespace; the host's end has none. */
  readonly sandbox?: string;
}

export interface CniAddress {
  /** ADDRESS/LENGTH. */
  readonly address: string;
  readonly gateway?: string;
  /** Index in `interfaces`. */
  readonly interface?: number;
}

export interface CniRoute {
  readonly dst: string;
  readonly gw?: string;
}

export interface CniResult {
  readonly interfaces: readonly CniInterface[];
  readonly ips: readonly CniAddress[];
  readonly routes: readonly CniRoute[];
  readonly dns: object;
}

/** The object to print. */
export function resultText(result: CniResult, version: Version): object {
  const { interfaces, ips, routes, dns } = result;
  return {
    cniVersion: version,
    interfaces: interfaces.map(({ mtu, ...each }) => ({
      ...each,
      ...(mtu !== undefined && atLeast(version, '1.1.0') && { mtu }),
    })),
    ips: ips.map((each) => ({
      ...(!atLeast(version, '1.0.0') && { version: each.address.includes(':') ? '6' : '4' }),
      ...each,
    })),
    ...(routes.length > 0 && { routes }),
    dns,
  };
}

/** A result of another plugin, of any version; members of the wrong kind are left out. */
export function readResult(value: object | null | undefined): CniResult {
  const { interfaces, ips, routes, dns } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return {
    interfaces: objectsIn(interfaces) as unknown as CniInterface[],
    ips: objectsIn(ips)
      .filter(({ address }) => typeof address === 'string')
      .map(({ address, gateway, interface: index }) => ({
        address: String(address),
        ...(typeof gateway === 'string' && gateway !== '' && { gateway }),
        ...(typeof index === 'number' && { interface: index }),
      })),
    routes: objectsIn(routes)
      .filter(({ dst }) => typeof dst === 'string')
      .map(({ dst, gw }) => ({
        dst: String(dst),
        ...(typeof gw === 'string' && gw !== '' && { gw }),
      })),
    dns: typeof dns === 'object' && dns !== null ? dns : {},
  };
}

function objectsIn(value: unknown): Readonly<Record<string, unknown>>[] {
  if (!Array.isArray(value)) return [];
  return value.filter((each) => typeof each === 'object' && each !== null);
}
