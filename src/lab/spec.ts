/** The form of a lab: how many nodes, endpoints and networks, and its underlay. */

import { DpctlError } from '../../loader/errors.js';
import { run } from '../../loader/hint.js';
import type { LabRequest, LabSpec } from '../api/lab.js';

/** The lab for a request without settings. */
export const LAB_DEFAULT: LabSpec = {
  name: 'lab',
  nodes: 2,
  endpoints: 2,
  vnis: 1,
  underlay: 'gso',
  family: 'ip4',
  decap: 'auto',
  mtu: 1500,
  loss: 0,
  delay: 0,
};

/** Ranges of the numbers: addresses have one byte each for a node, an endpoint and a network. */
const RANGES = {
  nodes: [1, 250],
  endpoints: [0, 250],
  vnis: [1, 46],
  // IPv6 inside IPv6 needs 1280 + 70 bytes.
  mtu: [1350, 65_535],
  loss: [0, 100],
  delay: [0, 10_000],
} as const;

/**
 * The lab that a request describes.
 * @param old its present form; the default if there is none
 * @throws DpctlError LAB_NAME_INVALID, LAB_RANGE, exit 1
 */
export function labSpec(request: LabRequest, old: LabSpec = LAB_DEFAULT): LabSpec {
  const given = Object.entries(request).filter(([, value]) => value !== undefined);
  const spec: LabSpec = { ...old, ...Object.fromEntries(given) };
  checkLabName(spec.name);
  for (const [key, [min, max]] of Object.entries(RANGES)) {
    const value = spec[key as keyof typeof RANGES];
    if (value >= min && value <= max) continue;
    throw new DpctlError('LAB_RANGE', `--${key} ${value}: must be from ${min} to ${max}`, {
      exitCode: 1,
      hint: run`lab up --${key} ${Math.min(Math.max(value, min), max)}`,
      details: { flag: key, value, min, max },
    });
  }
  return spec;
}

/**
 * Check a lab's name, which begins the names of its namespaces. @throws DpctlError LAB_NAME_INVALID, exit 1
 */
export function checkLabName(name: string): string {
  if (/^[a-z][a-z0-9]{0,15}$/.test(name)) return name;
  throw new DpctlError(
    'LAB_NAME_INVALID',
    `lab name ${JSON.stringify(name)} is not 1 to 16 lower-case letters and digits, the first a letter`,
    { exitCode: 1, hint: '--name lab2', details: { name } },
  );
}
