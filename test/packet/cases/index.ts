/** All tables of cases, by subject. */
import type { Case } from '../helpers/case.js';
import { arpAnswers, ndAnswers } from './answers.js';
import { flood } from './flood.js';
import { forwarded, guard } from './gateway-guard.js';
import { learning } from './learning.js';
import { prefixAnswers, prefixes } from './prefixes.js';
import { refused } from './refused.js';
import { service } from './service.js';
import { source4, sourceArp, sourceDhcp, sourceIcmp, sourceStatic } from './source4.js';
import { source6, sourceNd } from './source6.js';
import { aged, unicast } from './unicast.js';

/** In an unchanged world. */
export const TABLES: Readonly<Record<string, readonly Case[]>> = {
  unicast,
  aged,
  flood,
  learning,
  'source IPv4': source4,
  'source DHCP': sourceDhcp,
  'source ICMP': sourceIcmp,
  'source static MAC': sourceStatic,
  'source ARP': sourceArp,
  'source IPv6': source6,
  'source ND': sourceNd,
  service,
  'answer ARP': arpAnswers,
  'answer ND': ndAnswers,
  prefixes,
  'prefixes, answers': prefixAnswers,
  guard,
  'by the host': forwarded,
};

/** In a world whose kernel refuses to redirect. */
export const REFUSED_TABLES: Readonly<Record<string, readonly Case[]>> = { refused };
