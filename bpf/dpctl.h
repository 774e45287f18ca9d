/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The contract between the datapath and user space: every key, value, reason
 * and event is declared here and nowhere else. The TypeScript side is generated
 * from the BTF of the object that includes this file, so a change here changes
 * both. A change of layout of a map's key or value needs a new version in that
 * map's name (maps.h): a running node then keeps its old maps until it moves.
 *
 * Rules: fixed width types, explicit padding (zero), own_ before the name of what
 * only the datapath writes (for user space it is padding), MAC addresses and IP
 * addresses in network byte order, everything else in host byte order.
 */
#ifndef DPCTL_H
#define DPCTL_H

#include "contract/limits.h"
#include "contract/networks.h"
#include "contract/per_cpu.h"
#include "contract/address_tables.h"
#include "contract/nodes.h"
#include "contract/nft_marks.h"
#include "contract/reasons.h"
#include "contract/events.h"
#include "contract/requests.h"

#endif
